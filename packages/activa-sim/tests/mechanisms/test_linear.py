import numpy as np
import pytest
from activa_sim import PRESETS, InputError, SimulatorConfig, simulator
from activa_sim.mechanisms import NO_MECHANISM, BandedMechanism, LinearMechanism, MechanismLaw
from activa_sim.noises import BetaNoise, GaussianNoise, LaplaceNoise
from activa_sim.rng import Streams, model_streams
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from scipy import stats


def streams(models: int) -> Streams:
    return model_streams(4, "train", 0, models)


def edges(models: int, d: int) -> NDArray[np.bool_]:
    """Every edge from a lower to a higher number."""
    return np.broadcast_to(np.triu(np.ones((d, d), dtype=np.bool_), 1), (models, d, d))


def single_weights(law: MechanismLaw, models: int) -> NDArray[np.float64]:
    """Weights of the one edge of pairs."""
    drawn = law.draw(streams(models), edges(models, 2))
    return drawn.child(1, np.ones((models, 2, 1)), np.zeros((models, 1)))[:, 0]


def test_a_linear_child_is_the_weighted_sum_of_its_causes_and_its_noise() -> None:
    law = LinearMechanism().draw(streams(5), edges(5, 3))
    unit = np.broadcast_to(np.eye(3), (5, 3, 3))  # row k of x is one in variable k alone
    weights = law.child(2, unit, np.zeros((5, 3)))  # (M, cause)
    x, noise = np.random.default_rng(0).normal(size=(2, 5, 3, 65))
    assert_allclose(law.child(2, x, noise[:, 2]), noise[:, 2] + np.einsum("mi,min->mn", weights[:, :2], x[:, :2]))  # fmt: skip
    assert_array_equal(weights[:, 2], 0.0)


def test_weights_have_either_sign_and_sizes_from_one_half_to_two() -> None:
    weights = single_weights(LinearMechanism(), 20_000)
    assert stats.kstest(np.abs(weights), stats.uniform(0.5, 1.5).cdf).pvalue > 1e-4
    assert stats.binomtest(int((weights > 0).sum()), weights.size).pvalue > 1e-4
    assert stats.pearsonr(weights > 0, np.abs(weights)).pvalue > 1e-4


def test_banded_weights_are_uniform_over_the_union_of_their_bands() -> None:
    weights = single_weights(BandedMechanism([(2.0, 3.0), (-1.0, -0.5), (0.0, 0.5)]), 20_000)  # type: ignore[arg-type] # a list will do
    bands = [(-1.0, -0.5), (0.0, 0.5), (2.0, 3.0)]
    counts = [((low <= weights) & (weights <= high)).sum() for low, high in bands]
    assert sum(counts) == weights.size
    assert stats.chisquare(counts, np.array([0.25, 0.25, 0.5]) * weights.size).pvalue > 1e-4
    for low, high in bands:
        within = weights[(low <= weights) & (weights <= high)]
        assert stats.kstest(within, stats.uniform(low, high - low).cdf).pvalue > 1e-4


def test_one_band_without_a_width_gives_one_weight() -> None:
    assert_array_equal(single_weights(BandedMechanism(((1.5, 1.5),)), 9), 1.5)


def test_without_an_edge_a_child_is_its_noise() -> None:
    x, noise = np.random.default_rng(0).normal(size=(2, 5, 2, 300))
    for law in (LinearMechanism(), BandedMechanism(), BandedMechanism(normalised=True)):
        drawn = law.draw(streams(5), np.zeros((5, 2, 2), dtype=np.bool_))
        assert (drawn.families == NO_MECHANISM).all()
        assert_array_equal(drawn.child(1, x, noise[:, 1]), noise[:, 1])


def test_normalised_models_have_unit_variance_by_algebra() -> None:
    M, d = 20, 6
    law = BandedMechanism(normalised=True).draw(streams(M), edges(M, d))
    unit, nothing = np.broadcast_to(np.eye(d), (M, d, d)), np.zeros((M, d))
    weights = np.stack([law.child(j, unit, nothing) for j in range(d)], axis=2)  # (M, d, d)
    scales = np.stack([law.child(j, 0 * unit, nothing + 1)[:, 0] for j in range(d)], axis=1)
    total = np.linalg.inv(np.eye(d) - weights)
    covariance = np.einsum("mki,mk,mkj->mij", total, scales**2, total)
    assert_allclose(np.diagonal(covariance, axis1=1, axis2=2), 1.0)
    raw = BandedMechanism().draw(streams(M), edges(M, d)).child(d - 1, unit, nothing)
    assert_allclose(weights[:, :, -1] / weights[:, :1, -1], raw / raw[:, :1])  # same directions


def test_normalised_data_do_not_show_the_order_by_their_variances() -> None:
    law = simulator("gauss-8").changed(
        mechanism=BandedMechanism(normalised=True), noise=LaplaceNoise(1.0)
    )
    var = law.sample(30, 4000).obs.astype(np.float64).var(axis=1)
    assert np.abs(var - 1.0).max() < 0.25
    assert abs(var.mean() - 1.0) < 0.01


@pytest.mark.parametrize("noise", [GaussianNoise(0.5), BetaNoise(), LaplaceNoise(2.0)])
def test_normalising_needs_noise_of_unit_variance(noise: GaussianNoise) -> None:
    config = PRESETS["gauss-2"]
    with pytest.raises(InputError, match="normalised weights need noise of unit variance; give"):
        SimulatorConfig(2, config.graph, BandedMechanism(normalised=True), noise, config.query)


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ((), r"bands are \(\); give finite low <= high"),
        (((1.0, 0.0),), "give finite low <= high"),
        (((0.0, 2.0), (1.0, 3.0)), "that do not overlap"),
        (((0.0, np.inf),), "give finite"),
        ((1.0, 2.0), r"bands are pairs of numbers; give \[\(low, high\), ...\]"),
        (((1.0, 1.0), (2.0, 2.0)), "give at least one of them a width"),
    ],
)
def test_refuses_what_is_no_band(bands: tuple[tuple[float, float], ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        BandedMechanism(bands)


def test_refuses_what_is_no_range_of_sizes() -> None:
    with pytest.raises(InputError, match=r"low is 3 and high is 2\.0; give 0\.0 <= low <= high"):
        LinearMechanism(low=3)
