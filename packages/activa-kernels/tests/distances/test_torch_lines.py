"""Transport on lines: plain PyTorch by its definition and SciPy, Triton by plain PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from activa_kernels import InputError
from activa_kernels.distances.tiles import LINE
from activa_kernels.distances.torch_lines import line_costs
from scipy.stats import wasserstein_distance
from torch import Tensor

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SHAPES = [  # P, K, n, m
    (2, 2, 7, 7),
    (2, 1, 7, 5),
    (1, 1, 1, 3),
    (1, 1, LINE.rows + 1, 40),
]


def draw(P: int, K: int, n: int, m: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw points of both samples and their masses, in float64."""
    generator = torch.Generator().manual_seed(n + 100 * m)
    x, y = (torch.randn(P, K, rows, generator=generator).double() for rows in (n, m))
    a, b = (torch.rand(P, rows, generator=generator).double() for rows in (n, m))
    tensors = x, y + 0.5, a / a.sum(1, keepdim=True), b / b.sum(1, keepdim=True)
    return (
        tensors[0].to(DEVICE),
        tensors[1].to(DEVICE),
        tensors[2].to(DEVICE),
        tensors[3].to(DEVICE),
    )


def value_and_gradients(x: Tensor, y: Tensor, *masses: Tensor, p: float) -> list[Tensor]:
    inputs = [t.clone().requires_grad_() for t in (x, y)]
    out = line_costs(inputs[0], inputs[1], *masses, p=p)
    upstream = torch.linspace(-1, 2, out.numel(), dtype=out.dtype, device=out.device)
    return [out.detach(), *torch.autograd.grad(out, inputs, upstream.reshape(out.shape))]


@pytest.mark.parametrize(("P", "K", "n", "m"), SHAPES)
def test_the_first_power_is_scipy_s(
    monkeypatch: pytest.MonkeyPatch, P: int, K: int, n: int, m: int
) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    x, y, a, b = draw(P, K, n, m)
    for masses in ((), (a, b)):
        found = line_costs(x, y, *masses).cpu()
        for i in range(P):
            weights = [w[i].cpu().numpy() for w in masses]
            for k in range(K):
                wanted = wasserstein_distance(x[i, k].cpu(), y[i, k].cpu(), *weights)
                np.testing.assert_allclose(found[i, k], wanted, rtol=1e-12)


@pytest.mark.parametrize("p", [1.0, 2.0, 2.5])
def test_any_power_is_the_mass_that_two_shares_have_in_common_times_the_cost(
    monkeypatch: pytest.MonkeyPatch, p: float
) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    x, y, a, b = draw(1, 1, 6, 4)
    (xs, i), (ys, j) = x[0, 0].sort(), y[0, 0].sort()
    after, after_y = a[0, i].cumsum(0)[:, None], b[0, j].cumsum(0)
    before, before_y = after - a[0, i][:, None], after_y - b[0, j]
    common = (torch.minimum(after, after_y) - torch.maximum(before, before_y)).clamp(min=0)
    wanted = (common * (xs[:, None] - ys).abs() ** p).sum()
    torch.testing.assert_close(line_costs(x, y, a, b, p=p)[0, 0], wanted, rtol=1e-12, atol=0)


def test_gradients_are_those_of_finite_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    x, y, a, b = (t.requires_grad_() for t in draw(2, 2, 4, 3))
    for p in (1.0, 2.0, 3.0):
        assert torch.autograd.gradcheck(lambda *t, p=p: line_costs(*t, p=p), (x, y))
    free = (a[:, :-1].detach().requires_grad_(), b.detach())  # the last mass is what is left

    def of_masses(some: Tensor, b: Tensor) -> Tensor:
        whole = torch.cat([some, 1 - some.sum(dim=1, keepdim=True)], dim=1)
        return line_costs(x.detach(), y.detach(), whole, b, p=2.0)

    assert torch.autograd.gradcheck(of_masses, free)


# points are rounded to 1e-7 of their size, powers and slopes a few times that
@pytest.mark.parametrize("p", [1.0, 2.0, 2.5])
@pytest.mark.parametrize(("P", "K", "n", "m"), SHAPES)
def test_triton_agrees_with_the_reference(
    monkeypatch: pytest.MonkeyPatch, P: int, K: int, n: int, m: int, p: float
) -> None:
    pytest.importorskip("triton")
    x, y, a, b = draw(P, K, n, m)
    for masses in ((), (a, b)):
        monkeypatch.setenv("ACTIVA_BACKEND", "triton")
        found = value_and_gradients(x.float(), y.float(), *masses, p=p)
        monkeypatch.setenv("ACTIVA_BACKEND", "reference")
        for got, wanted in zip(found, value_and_gradients(x, y, *masses, p=p), strict=True):
            assert (got - wanted).abs().max() < 1e-6 * wanted.abs().max()


def test_equal_masses_in_any_grouping_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")
    points = torch.tensor([0.1, 0.7, 5.0], device=DEVICE)
    x, y = points.repeat_interleave(3)[None, None], points[None, None]
    thirds = torch.full((1, 3), 1 / 3, dtype=torch.float64, device=DEVICE)
    ninths = torch.full((1, 9), 1 / 9, dtype=torch.float64, device=DEVICE)
    for implementation in ("triton", "reference"):
        monkeypatch.setenv("ACTIVA_BACKEND", implementation)
        assert line_costs(x, y, p=2.0).item() == 0
        assert line_costs(x, y, ninths, thirds, p=2.0).item() == 0


def test_what_does_not_fit_is_refused() -> None:
    x, y, a, b = draw(2, 1, 4, 3)
    with pytest.raises(InputError, match=r"x has shape \(1, 4\), y \(2, 1, 3\); give"):
        line_costs(x[0], y)
    with pytest.raises(InputError, match="only one of a and b is given"):
        line_costs(x, y, a)
    with pytest.raises(InputError, match=r"b has shape \(2, 4\); give \(2, 3\)"):
        line_costs(x, y, a, a)
    with pytest.raises(InputError, match=r"x is torch\.int64; give float32 or float64"):
        line_costs(x.long(), y, a, b)
    with pytest.raises(InputError, match=r"p is 0\.5; give an order of at least 1"):
        line_costs(x, y, p=0.5)


@pytest.mark.gpu
@pytest.mark.parametrize(("n", "m"), [(40, 40), (3000, 3000), (1000, 700)])
def test_a_device_agrees_at_full_size_and_repeats_itself(
    monkeypatch: pytest.MonkeyPatch, n: int, m: int
) -> None:
    x, y, a, b = draw(20, 256, n, m)
    narrow = x.float(), y.float()
    for p, masses in ((1.0, ()), (2.0, (a, b))):
        first, again = (value_and_gradients(*narrow, *masses, p=p) for _ in range(2))
        assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
        with monkeypatch.context() as patch:
            patch.setenv("ACTIVA_BACKEND", "reference")
            torch.use_deterministic_algorithms(False)  # float64 sums of masses on a device
            exact = value_and_gradients(x, y, *masses, p=p)
        for got, wanted in zip(first, exact, strict=True):
            assert (got - wanted).abs().max() < 1e-5 * wanted.abs().max()
