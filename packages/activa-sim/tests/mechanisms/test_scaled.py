"""What all functions of several causes share; each has its formula in a file of its own."""

import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.mechanisms import (
    NO_MECHANISM,
    FourierMechanism,
    NeuralMechanism,
    PolynomialMechanism,
    TreeMechanism,
)
from activa_sim.mechanisms.scaled import ScaledLaw
from activa_sim.rng import Site, Streams, model_streams
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from scipy import stats

KINDS = [FourierMechanism, NeuralMechanism, PolynomialMechanism, TreeMechanism]


def streams(models: int) -> Streams:
    return model_streams(4, "train", 0, models)


def edges(models: int, d: int) -> NDArray[np.bool_]:
    """Every edge from a lower to a higher number."""
    return np.broadcast_to(np.triu(np.ones((d, d), dtype=np.bool_), 1), (models, d, d))


def rows(models: int, d: int, n: int) -> NDArray[np.float64]:
    return streams(models).at(Site.NOISE, range(d)).normal(n)


@pytest.mark.parametrize("kind", KINDS)
def test_signal_and_noise_share_the_variance_as_r2_says(kind: type[ScaledLaw]) -> None:
    drawn = kind(low=0.7, high=0.7, calibration=5000).draw(streams(20), edges(20, 3))
    x, nothing = rows(20, 3, 10_000), np.zeros((20, 10_000))
    signal = drawn.child(2, x, nothing)
    assert_allclose(signal[:, :5000].var(axis=1), 0.7)
    assert_allclose(signal[:, 5000:].var(axis=1), 0.7, rtol=0.25)
    assert_allclose(signal[:, :5000].mean(axis=1), 0.0, atol=1e-9)
    assert_allclose(drawn.child(2, x, nothing + 1) - signal, np.sqrt(0.3))


@pytest.mark.parametrize("kind", KINDS)
def test_r2_fills_its_range(kind: type[ScaledLaw]) -> None:
    drawn = kind(low=0.2, high=0.9, calibration=8).draw(streams(1000), edges(1000, 2))
    x, nothing = rows(1000, 2, 8), np.zeros((1000, 8))
    r2 = 1.0 - (drawn.child(1, x, nothing + 1) - drawn.child(1, x, nothing))[:, 0] ** 2
    assert stats.kstest(r2, stats.uniform(0.2, 0.7).cdf).pvalue > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_every_cause_counts_and_nothing_else_does(kind: type[ScaledLaw]) -> None:
    graphs = edges(200, 4).copy()
    graphs[:, 1, 3] = False
    drawn = kind(low=0.9, high=0.9).draw(streams(200), graphs)
    x, noise = rows(200, 4, 300), np.zeros((200, 300))
    before = drawn.child(3, x, noise)
    for i in range(3):
        other = x.copy()
        other[:, i, 128:] = -2.0 * x[:, i, 128:]  # beyond the calibration, which stays
        changed = (drawn.child(3, other, noise) != before).any(axis=1).mean()
        assert (changed > 0.5) if i != 1 else (changed == 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_causes_of_any_scale_give_the_same_child(kind: type[ScaledLaw]) -> None:
    drawn = kind().draw(streams(20), edges(20, 3))
    x, noise = rows(20, 3, 300), np.zeros((20, 300))
    again = drawn.child(2, 100.0 * x + 7.0, noise)
    off = np.abs(again - drawn.child(2, x, noise)) > 1e-6
    assert off.mean() < 1e-3  # rounding may carry a row over a tree's threshold


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_cause_a_child_is_its_noise(kind: type[ScaledLaw]) -> None:
    x, noise = rows(5, 2, 300), rows(5, 2, 600)[..., 300:]
    drawn = kind().draw(streams(5), np.zeros((5, 2, 2), dtype=np.bool_))
    assert (drawn.families == NO_MECHANISM).all()
    for j in range(2):
        assert_array_equal(drawn.child(j, x, noise[:, j]), noise[:, j])


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_the_same_with_more_rows_and_other_models(kind: type[ScaledLaw]) -> None:
    x, noise = rows(65, 3, 300), rows(65, 3, 600)[:, 2, 300:]
    long = kind().draw(streams(65), edges(65, 3)).child(2, x, noise)
    short = kind().draw(streams(7), edges(7, 3)).child(2, x[:7, :, :135], noise[:7, :135])
    assert_array_equal(short, long[:7, :135])


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_cause_gives_a_finite_child(kind: type[ScaledLaw]) -> None:
    drawn = kind().draw(streams(9), edges(9, 2))
    assert np.isfinite(drawn.child(1, np.ones((9, 2, 150)), np.zeros((9, 150)))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_refuses_shares_of_variance_that_are_none(kind: type[ScaledLaw]) -> None:
    with pytest.raises(InputError, match=r"high is 1\.2; give a probability"):
        kind(high=1.2)
    with pytest.raises(InputError, match=r"low is 0\.9 and high is 0\.1"):
        kind(low=0.9, high=0.1)
    with pytest.raises(InputError, match="calibration is 1; give at least 2 rows"):
        kind(calibration=1)
