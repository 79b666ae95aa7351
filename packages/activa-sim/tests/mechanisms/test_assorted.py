import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.mechanisms import NO_MECHANISM, AssortedMechanism
from activa_sim.mechanisms.functions import FUNCTIONS
from activa_sim.rng import Site, Streams, model_streams
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from scipy import stats


def streams(models: int) -> Streams:
    return model_streams(4, "train", 0, models)


def edges(models: int, d: int) -> NDArray[np.bool_]:
    """Every edge from a lower to a higher number."""
    return np.broadcast_to(np.triu(np.ones((d, d), dtype=np.bool_), 1), (models, d, d))


def test_without_an_edge_a_child_is_its_noise() -> None:
    x, noise = np.random.default_rng(0).normal(size=(2, 5, 2, 300))
    drawn = AssortedMechanism().draw(streams(5), np.zeros((5, 2, 2), dtype=np.bool_))
    assert (drawn.families == NO_MECHANISM).all()
    assert_array_equal(drawn.child(1, x, noise[:, 1]), noise[:, 1])


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_signal_and_noise_share_the_variance_as_r2_says(name: str) -> None:
    law = AssortedMechanism((name,), low=0.7, high=0.7, calibration=20_000)
    drawn = law.draw(streams(20), edges(20, 2))
    x = np.zeros((20, 2, 40_000))
    x[:, 0] = streams(20).at(Site.NOISE).normal(40_000)
    signal = drawn.child(1, x, np.zeros((20, 40_000)))[:, 20_000:]
    assert_allclose(signal.var(axis=1), 0.7, rtol=0.1)  # moments of 20,000 rows, long tails too
    assert_allclose(signal.mean(axis=1), 0.0, atol=0.05)
    ones = drawn.child(1, x, np.ones((20, 40_000)))[:, 20_000:]
    assert_allclose(ones - signal, np.sqrt(0.3))


def test_r2_fills_its_range() -> None:
    drawn = AssortedMechanism().draw(streams(5000), edges(5000, 2))
    x = np.zeros((5000, 2, 128))
    x[:, 0] = streams(5000).at(Site.NOISE).normal(128)
    left = drawn.child(1, x, np.ones((5000, 128))) - drawn.child(1, x, np.zeros((5000, 128)))
    r2 = 1.0 - left[:, 0] ** 2
    assert stats.kstest(r2, stats.uniform(0.05, 0.9).cdf).pvalue > 1e-4


def test_a_model_is_the_same_with_more_rows() -> None:
    drawn = AssortedMechanism().draw(streams(65), edges(65, 3))
    x, noise = np.random.default_rng(1).normal(size=(2, 65, 3, 300))
    long = drawn.child(2, x, noise[:, 2])
    assert_array_equal(drawn.child(2, x[..., :135], noise[:, 2, :135]), long[:, :135])


def test_families_have_the_shares_asked_for() -> None:
    families = AssortedMechanism(first_share=0.4).draw(streams(20_000), edges(20_000, 2)).families
    for name in FUNCTIONS:
        share = 0.4 if name == "linear" else 0.6 / 7
        assert abs((families[:, 0, 1] == name).mean() - share) < 4 * np.sqrt(share / len(families))


def test_effects_rise_as_often_as_they_fall() -> None:
    drawn = AssortedMechanism(("linear",)).draw(streams(10_000), edges(10_000, 2))
    x = np.zeros((10_000, 2, 130))
    x[:, 0] = np.linspace(-1, 1, 130)
    rises = drawn.child(1, x, np.zeros((10_000, 130)))[:, -1] > 0
    assert stats.binomtest(int(rises.sum()), rises.size).pvalue > 1e-4


def test_refuses_what_is_no_mechanism() -> None:
    with pytest.raises(InputError, match='unknown mechanism "step"; choose from linear, quadratic'):
        AssortedMechanism(("step",))
    with pytest.raises(InputError, match=r"high is 1\.2; give a probability"):
        AssortedMechanism(high=1.2)
    with pytest.raises(InputError, match="calibration is 1; give at least 2 rows"):
        AssortedMechanism(calibration=1)
