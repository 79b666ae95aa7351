from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from activa_kernels.backend import native, native_available
from activa_kernels.mixture_log_prob import mixture_log_prob, reference
from torch import Tensor

Draw = Callable[..., list[Tensor]]
SETS = native().instruction_sets() if native_available() else []


def value_and_gradients(function: Callable[..., Tensor], problem: list[Tensor]) -> list[Tensor]:
    inputs = [t.clone().requires_grad_() for t in problem]
    out = function(*inputs)
    upstream = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).reshape(out.shape)
    return [out.detach(), *torch.autograd.grad(out, inputs, upstream)]


def error(actual: Tensor, exact: Tensor) -> float:
    """Largest difference in units of the largest entry."""
    return float((actual.double() - exact).abs().max() / exact.abs().max())


@pytest.mark.parametrize("eps", [1e-1, 1e-4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("B", "N", "d", "C", "r"),
    [(1, 1, 1, 1, 1), (2, 7, 3, 1, 1), (3, 65, 8, 3, 2), (2, 40, 8, 2, 8), (1, 17, 5, 2, 64),
     (1, 33, 20, 1, 18)],
)  # fmt: skip
def test_value_and_every_gradient_agree_with_the_reference(
    draw: Draw, B: int, N: int, d: int, C: int, r: int, dtype: torch.dtype, eps: float
) -> None:
    problem = draw(B, N, d, C, r, eps, dtype)
    exact = value_and_gradients(reference.mixture_log_prob, [t.double() for t in problem])
    # inside all is float64: what float32 loses is the rounding of what is written
    tolerance = 2e-7 if dtype == torch.float32 else 1e-8
    for got, wanted in zip(value_and_gradients(mixture_log_prob, problem), exact, strict=True):
        assert got.dtype == dtype
        assert error(got, wanted) < tolerance


@pytest.mark.parametrize("r", [1, 2, 3, 64])
def test_gradients_are_those_of_finite_differences(draw: Draw, r: int) -> None:
    problem = [t.requires_grad_() for t in draw(1, 2, 3, 2, r, 0.1)]
    assert torch.autograd.gradcheck(mixture_log_prob, problem)


@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("r", [2, 8])
def test_every_instruction_set_gives_the_same_up_to_rounding(
    draw: Draw, monkeypatch: pytest.MonkeyPatch, isa: str, r: int
) -> None:
    monkeypatch.setenv("ACTIVA_ISA", isa)
    problem = draw(2, 37, 5, 3, r, 1e-2)
    exact = value_and_gradients(reference.mixture_log_prob, problem)
    for got, wanted in zip(value_and_gradients(mixture_log_prob, problem), exact, strict=True):
        assert error(got, wanted) < 1e-10


@pytest.mark.parametrize(("N", "r"), [(301, 2), (301, 9), (9000, 2)])
def test_any_number_of_threads_gives_the_same_bits(
    draw: Draw, monkeypatch: pytest.MonkeyPatch, N: int, r: int
) -> None:
    problem = draw(3, N, 7, 5, r, 1e-2, torch.float32)
    results = []
    for threads in ("1", "2", "4"):
        monkeypatch.setenv("ACTIVA_NUM_THREADS", threads)
        results.append(value_and_gradients(mixture_log_prob, problem))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("r", [1, 4])
def test_a_nearly_singular_covariance_stays_finite_in_single_precision(draw: Draw, r: int) -> None:
    x, log_weights, means, factors, _ = draw(1, 9, 4, 1, r, 1e-4, torch.float32)
    factors = 1e3 * factors[:, :, :, :1].expand(-1, -1, -1, r)  # rank one, condition 1e11
    problem = [x, log_weights, means, factors, torch.full_like(means, 1e-4)]
    exact = value_and_gradients(reference.mixture_log_prob, [t.double() for t in problem])
    for got, wanted in zip(value_and_gradients(mixture_log_prob, problem), exact, strict=True):
        assert got.isfinite().all()
        assert error(got, wanted) < 1e-4  # 1e11 times the rounding of float64


def test_a_weight_of_zero_has_no_part(draw: Draw) -> None:
    x, log_weights, means, factors, diagonal = draw(1, 7, 3, 2, 1, 0.1)
    log_weights[0, 0] = float("-inf")
    alone = mixture_log_prob(x, log_weights[:, 1:], means[:, 1:], factors[:, 1:], diagonal[:, 1:])
    problem = [x, log_weights, means, factors, diagonal]
    out, *gradients = value_and_gradients(mixture_log_prob, problem)
    torch.testing.assert_close(out, alone)
    assert not any(g[:, 0].any() for g in gradients[1:])


@pytest.mark.parametrize("r", [1, 3])
def test_a_nan_stays_in_its_row(draw: Draw, r: int) -> None:
    x, *rest = draw(2, 20, 3, 2, r, 0.1)
    clean = mixture_log_prob(x, *rest)
    x[1, 4, 0] = float("nan")
    out = mixture_log_prob(x, *rest)
    assert out[1, 4].isnan()
    assert torch.equal(out.nan_to_num(0) + 0, torch.where(out.isnan(), 0, clean))
    assert int(out.isnan().sum()) == 1


def test_no_rows_give_no_densities_and_no_gradients(draw: Draw) -> None:
    out, *gradients = value_and_gradients(mixture_log_prob, draw(2, 0, 3, 2, 1, 0.1))
    assert out.shape == (2, 0)
    assert not any(g.any() for g in gradients)
