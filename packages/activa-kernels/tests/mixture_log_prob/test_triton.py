"""The Triton kernels: on a device where there is one, else in Triton's interpreter."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from activa_kernels import InputError
from activa_kernels.mixture_log_prob import mixture_log_prob, reference
from activa_kernels.mixture_log_prob.tiles import TILES, tile_for
from torch import Tensor

pytest.importorskip("triton")
Draw = Callable[..., list[Tensor]]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SHAPES = [  # B, N, d, C, r: one for each tile
    (2, 33, 3, 2, 3),
    (1, 17, 2, 1, 64),
    (1, 17, 20, 1, 20),
    (1, 65, 8, 2, 2),
    (1, 17, 20, 1, 3),
    (1, 7, 20, 2, 17),
    (1, 17, 40, 1, 2),
]


@pytest.fixture(autouse=True)
def triton_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "triton")


def value_and_gradients(function: Callable[..., Tensor], problem: list[Tensor]) -> list[Tensor]:
    inputs = [t.clone().requires_grad_() for t in problem]
    out = function(*inputs)
    upstream = torch.linspace(-1, 2, out.numel(), dtype=out.dtype, device=out.device)
    return [out.detach(), *torch.autograd.grad(out, inputs, upstream.reshape(out.shape))]


def errors(problem: list[Tensor]) -> list[float]:
    """Largest differences from the reference in float64, in units of the largest entry."""
    exact = value_and_gradients(reference.mixture_log_prob, [t.double() for t in problem])
    actual = value_and_gradients(mixture_log_prob, problem)
    return [
        float((got.double() - wanted).abs().max() / wanted.abs().max())
        for got, wanted in zip(actual, exact, strict=True)
    ]


def test_every_tile_is_tried() -> None:
    assert {tile_for(d, r) for _, _, d, _, r in SHAPES} == set(TILES)


# float32 rounds x - mu to 1e-7 of |u|; the energy measures it in units of sqrt(eps)
@pytest.mark.parametrize(("eps", "tolerance"), [(1e-1, 3e-5), (1e-4, 1e-3)])
@pytest.mark.parametrize(("B", "N", "d", "C", "r"), SHAPES)
def test_value_and_every_gradient_agree_with_the_reference(
    draw: Draw, B: int, N: int, d: int, C: int, r: int, eps: float, tolerance: float
) -> None:
    problem = [t.to(DEVICE) for t in draw(B, N, d, C, r, eps, torch.float32)]
    assert max(errors(problem)) < tolerance


def test_a_weight_of_zero_has_no_part(draw: Draw) -> None:
    x, log_weights, means, factors, diagonal = draw(1, 7, 3, 2, 1, 0.1, torch.float32)
    log_weights[0, 0] = float("-inf")
    problem = [t.to(DEVICE) for t in (x, log_weights, means, factors, diagonal)]
    out, *gradients = value_and_gradients(mixture_log_prob, problem)
    alone = mixture_log_prob(problem[0], *(t[:, 1:].contiguous() for t in problem[1:]))
    torch.testing.assert_close(out, alone)
    assert not any(g[:, 0].any() for g in gradients[1:])


def test_a_row_beyond_the_last_has_no_part_even_where_its_density_overflows(draw: Draw) -> None:
    x, log_weights, means, factors, diagonal = draw(1, 3, 40, 1, 1, 1e-4, torch.float32)
    # a density of exp(147) at the mean, which is also what a masked row is loaded as
    problem = [x - means[:, :1], log_weights, 0 * means, 0 * factors, 0 * diagonal + 1e-4]
    assert all(
        g.isfinite().all()
        for g in value_and_gradients(mixture_log_prob, [t.to(DEVICE) for t in problem])
    )


def test_no_rows_give_no_densities_and_no_gradients(draw: Draw) -> None:
    problem = [t.to(DEVICE) for t in draw(1, 0, 3, 1, 1, 0.1, torch.float32)]
    out, *gradients = value_and_gradients(mixture_log_prob, problem)
    assert out.shape == (1, 0)
    assert not any(g.any() for g in gradients)


def test_what_no_tile_holds_is_refused_when_triton_is_asked_for(draw: Draw) -> None:
    with pytest.raises(InputError, match="no tile holds d = 3 with rank 65"):
        mixture_log_prob(*(t.to(DEVICE) for t in draw(1, 2, 3, 1, 65, 0.1, torch.float32)))


def test_double_precision_is_refused_when_triton_is_asked_for(draw: Draw) -> None:
    with pytest.raises(InputError, match="take float32, not float64"):
        mixture_log_prob(*(t.to(DEVICE) for t in draw(1, 2, 3, 1, 1, 0.1)))


@pytest.mark.gpu
@pytest.mark.parametrize(("d", "r"), [(2, 64), (8, 64), (8, 2), (32, 64), (64, 16)])
def test_a_device_agrees_at_full_size_and_repeats_itself(draw: Draw, d: int, r: int) -> None:
    problem = [t.cuda() for t in draw(256, 40, d, 3, r, 1e-2, torch.float32)]
    assert max(errors(problem)) < 3e-4
    first = value_and_gradients(mixture_log_prob, problem)
    again = value_and_gradients(mixture_log_prob, problem)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
