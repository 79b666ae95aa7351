"""Distances of tensors in plain PyTorch: their definition, by NumPy and by finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from activa_kernels import InputError, distances
from activa_kernels.distances import torch_op
from torch import Tensor


@pytest.fixture(autouse=True)
def the_reference_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weights(*shape: int) -> Tensor:
    return draw(*shape, seed=7).softmax(dim=-1)


@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (7, 5, 3), (2, 9, 1)])
def test_terms_and_medians_are_those_of_arrays(n: int, m: int, d: int) -> None:
    x, y, a, b, s = draw(2, n, d), draw(2, m, d, seed=1), weights(2, n), weights(m), weights(2, 3)
    xs, ys, left, right, scales = (t.numpy() for t in (x, y, a, b, s))
    for found, wanted in (
        (torch_op.energy_terms(x, y, a, b), distances.energy_terms(xs, ys, left, right)),
        (torch_op.mmd_terms(x, y, s, a, b), distances.mmd_terms(xs, ys, scales, left, right)),
        ([torch_op.pooled_median(x, y)], [distances.pooled_median(xs, ys)]),
        ([torch_op.pooled_median(x)], [distances.pooled_median(xs)]),
    ):
        for tensor, array in zip(found, wanted, strict=True):
            np.testing.assert_allclose(tensor.numpy(), array, rtol=1e-12, atol=1e-14)


def test_gradients_are_those_of_finite_differences() -> None:
    x, y, a, b, s = (
        t.requires_grad_()
        for t in (draw(2, 4, 2), draw(2, 3, 2, seed=1), weights(2, 4), weights(3), weights(2))
    )
    assert torch.autograd.gradcheck(torch_op.energy_terms, (x, y, a, b))
    assert torch.autograd.gradcheck(torch_op.mmd_terms, (x, y, s, a, b))
    assert torch.autograd.gradcheck(torch_op.pooled_median, (x, y))


def test_a_median_of_zero_is_replaced_by_the_mean_of_the_positive_distances() -> None:
    x = torch.tensor([[[0.0]] * 5 + [[3.0]], [[1.0]] * 6])
    assert torch_op.pooled_median(x).tolist() == [0, 0]
    np.testing.assert_allclose(torch_op.pooled_median(x, or_mean=True), [3, 0])


def test_the_median_of_a_pair_that_is_not_finite_is_nan() -> None:
    x = draw(3, 4, 2)
    x[1, 0, 0], x[2, 1, 1] = float("nan"), float("inf")
    assert torch_op.pooled_median(x).isnan().tolist() == [False, True, True]


def test_what_does_not_fit_is_refused_with_its_shape() -> None:
    x = draw(2, 4, 2)
    with pytest.raises(InputError, match=r"y has shape \(0, 2\); give"):
        torch_op.energy_terms(x, x[0, :0])
    with pytest.raises(InputError, match="x has 2 columns, y has 1"):
        torch_op.energy_terms(x, x[..., :1])
    with pytest.raises(InputError, match=r"a has shape \(3,\); give \(..., 4\)"):
        torch_op.energy_terms(x, x, torch.ones(3))
    with pytest.raises(InputError, match="do not broadcast"):
        torch_op.energy_terms(x, torch.cat([x, x[:1]]))
    with pytest.raises(InputError, match=r"x is torch\.bfloat16; give float32 or float64"):
        torch_op.pooled_median(x.bfloat16())
    with pytest.raises(InputError, match="y is on meta, x on cpu"):
        torch_op.energy_terms(x, x.to("meta"))
    with pytest.raises(InputError, match="bandwidths is a number"):
        torch_op.mmd_terms(x, x, torch.tensor(1.0))
