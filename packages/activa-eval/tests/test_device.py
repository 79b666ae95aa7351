"""The distances of tensors on a CUDA device, which stay there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from activa_eval import energy_distance, mmd, sliced_wasserstein, wasserstein

torch = pytest.importorskip("torch")
Distance = Callable[..., Any]
DISTANCES: dict[str, Distance] = {
    "energy": energy_distance,
    "mmd": mmd,
    "mmd, several bandwidths": partial(mmd, bandwidth=[0.5, 2.0], squared=True),
    "sliced": partial(sliced_wasserstein, p=2.0, n_projections=33),
    "wasserstein": wasserstein,
}
SIZES = [(5, 40, 40, 3), (2, 65, 30, 2), (1, 300, 300, 2)]  # P, n, m, d; the last beyond a warp


@pytest.mark.gpu
@pytest.mark.parametrize("distance", DISTANCES.values(), ids=DISTANCES)
@pytest.mark.parametrize(("P", "n", "m", "d"), SIZES)
def test_a_device_gives_the_numbers_and_gradients_of_the_cpu(
    distance: Distance, P: int, n: int, m: int, d: int
) -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((P, n, d)).astype(np.float32)
    y = (random.standard_normal((P, m, d)) + 0.5).astype(np.float32)
    on_device = torch.from_numpy(x).cuda().requires_grad_()
    found = distance(on_device, torch.from_numpy(y).cuda())
    assert found.is_cuda
    np.testing.assert_allclose(found.detach().cpu(), distance(x, y), rtol=1e-5)
    wide = torch.from_numpy(x).double().requires_grad_()
    (wanted,) = torch.autograd.grad(distance(wide, torch.from_numpy(y).double()).sum(), wide)
    (gradient,) = torch.autograd.grad(found.sum(), on_device)
    largest = float(wanted.abs().max())
    np.testing.assert_allclose(gradient.cpu(), wanted, rtol=0, atol=1e-4 * largest)


@pytest.mark.gpu
def test_weights_and_a_pair_that_is_not_finite_do_on_a_device_what_they_do_on_the_cpu() -> None:
    random = np.random.default_rng(1)
    x, y = (random.standard_normal((3, 20, 2)).astype(np.float32) for _ in range(2))
    x[1, 3, 0] = np.nan
    a = random.dirichlet(np.ones(20), size=3)
    tensors = [torch.from_numpy(array).cuda() for array in (x, y)]
    for distance in DISTANCES.values():
        found = distance(*tensors, a=torch.from_numpy(a).cuda()).cpu().numpy()
        np.testing.assert_allclose(found, distance(x, y, a=a), rtol=1e-5)
        assert np.isnan(found).tolist() == [False, True, False]
