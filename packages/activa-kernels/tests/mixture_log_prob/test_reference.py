from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from activa_kernels.mixture_log_prob.reference import mixture_log_prob
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

Draw = Callable[..., list[Tensor]]


def by_torch_distributions(
    x: Tensor, log_weights: Tensor, means: Tensor, factors: Tensor, diagonal: Tensor
) -> Tensor:
    covariance = factors @ factors.mT + torch.diag_embed(diagonal)
    components = MultivariateNormal(means.unsqueeze(1), covariance.unsqueeze(1))
    mixture = MixtureSameFamily(Categorical(logits=log_weights.unsqueeze(1)), components)
    log_prob: Tensor = mixture.log_prob(x)  # type: ignore[no-untyped-call]
    return log_prob


@pytest.mark.parametrize("eps", [1e-1, 1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize(
    ("B", "N", "d", "C", "r"),
    [(1, 1, 1, 1, 1), (2, 7, 3, 1, 1), (1, 65, 8, 3, 2), (2, 40, 8, 2, 8), (1, 7, 11, 2, 64)],
)
def test_agrees_with_torch_distributions(
    draw: Draw, B: int, N: int, d: int, C: int, r: int, eps: float
) -> None:
    problem = draw(B, N, d, C, r, eps)
    # float64 and a condition of 1e6 at the most
    torch.testing.assert_close(
        mixture_log_prob(*problem), by_torch_distributions(*problem), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("r", [1, 2, 4, 64])
@pytest.mark.parametrize("eps", [1e-1, 1e-4])
def test_single_precision_keeps_three_decimals(draw: Draw, r: int, eps: float) -> None:
    problem = draw(2, 65, 4, 3, r, eps, torch.float32)
    exact = mixture_log_prob(*(t.double() for t in problem))
    # rows x - mu are rounded to 1e-7 of |u| and then measured in units of sqrt(eps)
    torch.testing.assert_close(mixture_log_prob(*problem).double(), exact, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("r", [1, 3])
def test_a_diagonal_of_less_than_nothing_is_not_a_density(draw: Draw, r: int) -> None:
    x, log_weights, means, factors, diagonal = draw(1, 5, 3, 1, r, 0.1)
    assert mixture_log_prob(x, log_weights, means, 0 * factors, -diagonal).isnan().all()


@pytest.mark.parametrize("r", [1, 3, 5])
def test_gradients_are_those_of_finite_differences(draw: Draw, r: int) -> None:
    problem = [t.requires_grad_() for t in draw(1, 3, 3, 2, r, 0.1)]
    assert torch.autograd.gradcheck(mixture_log_prob, problem)


def test_density_integrates_to_one() -> None:
    grid = torch.linspace(-8, 8, 321, dtype=torch.float64)
    x = torch.cartesian_prod(grid, grid).unsqueeze(0)
    means = torch.tensor([[[0.0, 1.0], [-1.0, 0.0]]], dtype=torch.float64)
    factors = torch.tensor([[[[0.9], [-0.6]], [[0.3], [0.8]]]], dtype=torch.float64)
    log_weights = torch.tensor([[0.3, 0.7]], dtype=torch.float64).log()
    density = mixture_log_prob(x, log_weights, means, factors, torch.full_like(means, 0.2)).exp()
    assert density.sum().item() * (16 / 320) ** 2 == pytest.approx(1, abs=1e-9)
