import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.mechanisms import FourierMechanism, Heteroscedastic, LinearMechanism
from activa_sim.rng import Site, model_streams
from numpy.testing import assert_allclose, assert_array_equal

M = 30
STREAMS = model_streams(4, "train", 0, M)
CHAIN = np.broadcast_to(np.eye(3, k=1, dtype=np.bool_), (M, 3, 3))
X = STREAMS.at(Site.NOISE, range(3)).normal(4000)


def scale(law: Heteroscedastic, j: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """What multiplies the noise of a variable, read off the mechanism within, which is linear."""
    drawn = law.draw(STREAMS, CHAIN)
    one, nothing = np.ones((M, X.shape[-1])), np.zeros((M, X.shape[-1]))
    return drawn.child(j, X, one) - drawn.child(j, X, nothing)


def test_the_scatter_follows_the_cause_and_nothing_else() -> None:
    law = Heteroscedastic(LinearMechanism(), low=0.8, high=0.8, calibration=4000)
    s = scale(law, 2)
    assert_allclose((s**2).mean(axis=1), 1.0)
    z = (X[:, 1] - X[:, 1].mean(axis=1, keepdims=True)) / X[:, 1].std(axis=1, keepdims=True)
    sign = np.sign(STREAMS.at(Site.SPREAD, range(3)).normal(3)[:, 2, 1])
    expected = np.exp(0.8 * np.tanh(1.5 * sign[:, None] * z))
    ratio = s / expected
    assert_allclose(ratio, ratio[:, :1] * np.ones_like(ratio))


def test_strength_zero_changes_nothing_and_roots_keep_their_noise() -> None:
    assert_allclose(scale(Heteroscedastic(LinearMechanism(), 0.0, 0.0), 2), 1.0)
    assert_array_equal(scale(Heteroscedastic(LinearMechanism()), 0), 1.0)


def test_stronger_means_wider() -> None:
    weak, strong = (scale(Heteroscedastic(LinearMechanism(), s, s), 1) for s in (0.2, 1.0))
    assert (np.ptp(weak, axis=1) < np.ptp(strong, axis=1)).all()


def test_calibrates_as_long_as_the_neediest_part() -> None:
    law = Heteroscedastic(FourierMechanism(calibration=300))
    assert law.draw(STREAMS, CHAIN).calibration == 300


def test_refuses_strengths_that_are_none() -> None:
    with pytest.raises(InputError, match=r"low is -1 and high is 1\.0"):
        Heteroscedastic(low=-1)
