"""The mixture against torch.distributions, SciPy and its own algebra, all in float64."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from activa_core.mixture import GaussianMixture
from scipy.stats import norm
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

SHAPES = [((), 1, 1, 1), ((), 3, 2, 5), ((2,), 7, 3, 1), ((2, 3), 2, 5, 3)]  # batch, K, d, r


def draw_mixture(batch: tuple[int, ...], K: int, d: int, r: int, seed: int = 0) -> GaussianMixture:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*batch, *shape, generator=generator, dtype=torch.float64)

    log_weights = normal(K).log_softmax(dim=-1)
    return GaussianMixture(log_weights, 3 * normal(K, d), normal(K, d, r), normal(K, d).exp() / 4)


def covariances(mixture: GaussianMixture) -> Tensor:
    return mixture.factors @ mixture.factors.mT + mixture.diagonal.diag_embed()


def by_torch(mixture: GaussianMixture) -> Any:  # torch leaves its distributions untyped
    components = MultivariateNormal(mixture.means, covariances(mixture))
    return MixtureSameFamily(Categorical(logits=mixture.log_weights), components)


def rows_near(mixture: GaussianMixture, n: int) -> Tensor:
    return mixture.sample(n, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("batch", "K", "d", "r"), SHAPES)
def test_the_density_is_that_of_torch(batch: tuple[int, ...], K: int, d: int, r: int) -> None:
    mixture = draw_mixture(batch, K, d, r)
    rows = rows_near(mixture, 7)
    expected = by_torch(mixture).log_prob(rows.movedim(-2, 0)).movedim(0, -1)
    torch.testing.assert_close(mixture.log_prob(rows), expected, rtol=1e-9, atol=1e-9)


def test_rows_without_batch_axes_meet_every_mixture_of_the_batch() -> None:
    mixture = draw_mixture((2, 3), 2, 4, 1)
    rows = torch.zeros(5, 4, dtype=torch.float64)
    assert mixture.log_prob(rows).shape == (2, 3, 5)
    torch.testing.assert_close(mixture.log_prob(rows), mixture.log_prob(rows.expand(2, 3, 5, 4)))


def test_the_density_passes_gradients_to_rows_and_to_every_parameter() -> None:
    mixture = draw_mixture((2,), 3, 2, 1)
    inputs = [mixture.log_weights, mixture.means, mixture.factors, mixture.diagonal]
    leaves = [a.clone().requires_grad_() for a in (*inputs, rows_near(mixture, 2))]

    def density(*tensors: Tensor) -> Tensor:
        return GaussianMixture(*tensors[:4]).log_prob(tensors[4])

    assert torch.autograd.gradcheck(density, leaves)


def test_the_components_weighted_give_the_density() -> None:
    mixture = draw_mixture((2,), 3, 4, 2)
    rows = rows_near(mixture, 6)
    components = mixture.component_log_prob(rows)  # (2, 6, 3)
    total = (components + mixture.log_weights.unsqueeze(-2)).logsumexp(dim=-1)
    torch.testing.assert_close(total, mixture.log_prob(rows))


@pytest.mark.parametrize(("batch", "K", "d", "r"), SHAPES)
def test_mean_and_variances_are_those_of_torch(
    batch: tuple[int, ...], K: int, d: int, r: int
) -> None:
    mixture = draw_mixture(batch, K, d, r)
    torch.testing.assert_close(mixture.mean(), by_torch(mixture).mean)
    variances = mixture.cov().diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(variances, by_torch(mixture).variance)


@pytest.mark.parametrize(("batch", "K", "d", "r"), SHAPES)
def test_the_moments_of_many_rows_are_mean_and_covariance(
    batch: tuple[int, ...], K: int, d: int, r: int
) -> None:
    mixture, n = draw_mixture(batch, K, d, r), 40_000
    rows = rows_near(mixture, n)
    apart = rows - mixture.mean().unsqueeze(-2)
    products = apart.unsqueeze(-1) * apart.unsqueeze(-2)  # (..., n, d, d)
    for drawn, exact in ((rows, mixture.mean()), (products, mixture.cov())):
        at = len(batch)
        error = (drawn.mean(dim=at) - exact) / (drawn.std(dim=at) / math.sqrt(n))
        assert error.abs().max() < 5  # standard errors, over at most 180 numbers


def test_equal_generators_draw_equal_rows_and_others_do_not() -> None:
    mixture = draw_mixture((2,), 3, 2, 1)
    assert torch.equal(rows_near(mixture, 9), rows_near(mixture, 9))
    other = mixture.sample(9, generator=torch.Generator().manual_seed(2))
    assert not torch.equal(rows_near(mixture, 9), other)


@pytest.mark.parametrize(("batch", "K", "d", "r"), SHAPES)
def test_the_cdf_is_the_weighted_cdf_of_scipy(
    batch: tuple[int, ...], K: int, d: int, r: int
) -> None:
    mixture = draw_mixture(batch, K, d, r)
    rows = rows_near(mixture, 7)
    deviations = mixture.variances.sqrt().unsqueeze(-2).numpy()
    each = norm.cdf(rows.unsqueeze(-3).numpy(), mixture.means.unsqueeze(-2).numpy(), deviations)
    expected = (mixture.log_weights.exp().numpy()[..., None, None] * each).sum(axis=-3)
    np.testing.assert_allclose(mixture.cdf(rows).numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(("batch", "K", "d", "r"), SHAPES)
def test_the_quantile_inverts_the_cdf(batch: tuple[int, ...], K: int, d: int, r: int) -> None:
    mixture = draw_mixture(batch, K, d, r)
    levels = torch.tensor([1e-6, 0.05, 0.5, 0.9, 1 - 1e-6], dtype=torch.float64)
    found = mixture.quantile(levels)  # (..., 5, d)
    assert found.shape == (*batch, 5, d)
    torch.testing.assert_close(
        mixture.cdf(found), levels.unsqueeze(-1).expand_as(found), rtol=1e-9, atol=1e-12
    )


def test_the_quantile_of_one_component_is_that_of_scipy_in_any_unit() -> None:
    mixture = draw_mixture((), 1, 3, 2).affine(
        torch.tensor([0.0, 1e6, -5.0]).double(), torch.tensor([1e-6, 1e3, 1.0]).double()
    )
    mean, deviation = mixture.mean().numpy(), mixture.cov().diagonal().sqrt().numpy()
    error = (mixture.quantile(0.975).numpy() - norm.ppf(0.975, mean, deviation)) / deviation
    assert np.abs(error).max() < 1e-9


def test_the_quantile_is_found_between_modes_far_apart_and_at_the_ends() -> None:
    one = torch.ones(2, 1, dtype=torch.float64)
    means = torch.tensor([[-1e6], [1e6]], dtype=torch.float64)
    mixture = GaussianMixture(one[:, 0] * math.log(0.5), means, 0 * one[..., None], one)
    torch.testing.assert_close(mixture.cdf(mixture.quantile(0.2).unsqueeze(0)).item(), 0.2)
    assert mixture.quantile(0.0).item() == -math.inf
    assert mixture.quantile(1.0).item() == math.inf


def test_a_marginal_keeps_the_columns_that_were_asked_for_in_their_order() -> None:
    mixture, columns = draw_mixture((2,), 3, 5, 2), [4, 1]
    marginal = mixture.marginal(columns)
    exact: Any = MixtureSameFamily(
        Categorical(logits=mixture.log_weights),
        MultivariateNormal(
            mixture.means[..., columns], covariances(mixture)[..., columns, :][..., columns]
        ),
    )
    rows = rows_near(marginal, 7)
    expected = exact.log_prob(rows.movedim(-2, 0)).movedim(0, -1)
    torch.testing.assert_close(marginal.log_prob(rows), expected)


@pytest.mark.parametrize("r", [1, 2, 9])
def test_conditioning_one_component_is_gaussian_conditioning(r: int) -> None:
    mixture, seen, rest = draw_mixture((), 1, 5, r), [3, 0], [1, 2, 4]
    values = torch.tensor([0.7, -2.0], dtype=torch.float64)
    mean, cov = mixture.mean(), mixture.cov()
    slope = cov[rest][:, seen] @ torch.linalg.inv(cov[seen][:, seen])
    conditional = mixture.condition(seen, values)
    torch.testing.assert_close(conditional.mean(), mean[rest] + slope @ (values - mean[seen]))
    torch.testing.assert_close(
        conditional.cov(), cov[rest][:, rest] - slope @ cov[seen][:, rest], rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("r", [1, 9])
def test_joint_is_marginal_times_conditional(r: int) -> None:
    mixture, seen, rest = draw_mixture((2,), 4, 5, r), [3, 0], [1, 2, 4]
    rows = rows_near(mixture, 1)  # (2, 1, 5)
    conditional = mixture.condition(seen, rows[:, 0, seen])
    parts = mixture.marginal(seen).log_prob(rows[..., seen]) + conditional.log_prob(rows[..., rest])
    torch.testing.assert_close(parts, mixture.log_prob(rows), rtol=1e-9, atol=1e-9)


def test_a_change_of_units_moves_the_density_by_its_jacobian() -> None:
    mixture, scale = draw_mixture((2,), 3, 2, 1), torch.tensor([1e-3, 50.0], dtype=torch.float64)
    shift = torch.tensor([7.0, -1.0], dtype=torch.float64)
    rows = rows_near(mixture, 7)
    moved = mixture.affine(shift, scale).log_prob(shift + scale * rows)
    torch.testing.assert_close(moved, mixture.log_prob(rows) - scale.log().sum())


def test_merging_makes_the_mixtures_equally_likely() -> None:
    mixture = draw_mixture((2, 3), 4, 2, 1)
    rows = torch.zeros(1, 2, dtype=torch.float64)
    equal = mixture.log_prob(rows).logsumexp(dim=1) - math.log(3)
    merged = mixture.merge()
    assert merged.log_weights.shape == (2, 12)
    torch.testing.assert_close(merged.log_prob(rows), equal)


def test_compacting_drops_factor_columns_and_changes_no_covariance() -> None:
    mixture = draw_mixture((2,), 3, 2, 64)
    compact = mixture.compact()
    assert compact.factors.shape == (2, 3, 2, 2)
    torch.testing.assert_close(covariances(compact), covariances(mixture))


def test_modes_are_stationary_and_the_heaviest_comes_first() -> None:
    means = torch.tensor([[0.0, 0.0], [8e6, 0.0], [8.1e6, 1e-3]], dtype=torch.float64)
    units = torch.tensor([1e6, 1e-2], dtype=torch.float64)  # no unit is small or large in itself
    factors = torch.randn(3, 2, 1, generator=torch.Generator().manual_seed(0)).double() / 3
    mixture = GaussianMixture(
        torch.tensor([0.4, 0.3, 0.3]).double().log(),
        means,
        units[:, None] * factors,
        (units**2).expand(3, 2),
    )
    points, weights = mixture.modes()
    torch.testing.assert_close(weights, torch.tensor([0.6, 0.4]).double(), rtol=1e-6, atol=0.0)
    points.requires_grad_()
    (slope,) = torch.autograd.grad(mixture.log_prob(points).sum(), points)
    assert (slope * units).abs().max() < 1e-4


def test_components_too_close_to_tell_apart_are_one_mode() -> None:
    one = torch.ones(2, 1, dtype=torch.float64)
    means = torch.tensor([[-0.9], [0.9]], dtype=torch.float64)  # two need more than 2 deviations
    points, weights = GaussianMixture(
        one[:, 0] * math.log(0.5), means, 0 * one[..., None], one
    ).modes()
    torch.testing.assert_close(points, 0 * one[:1], rtol=0.0, atol=1e-3)
    torch.testing.assert_close(weights, one[0])
