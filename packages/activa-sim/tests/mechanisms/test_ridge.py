import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.mechanisms import FourierMechanism, NeuralMechanism
from activa_sim.rng import Site, model_streams
from numpy.testing import assert_allclose

STREAMS = model_streams(4, "train", 0, 400)
EDGES = np.broadcast_to(np.triu(np.ones((3, 3), dtype=np.bool_), 1), (400, 3, 3))
X = np.random.default_rng(0).normal(size=(400, 2, 7))  # standardised causes of variable 2


def test_random_features_are_the_sum_of_waves_that_was_drawn() -> None:
    at = STREAMS.at(Site.MECHANISM, range(3), range(5))
    normal, phase = at.normal(4)[:, 2], 2 * np.pi * at.branch(1).uniform(1)[:, 2, :, 0]
    length = 0.7 + 2.3 * STREAMS.at(Site.MECHANISM, range(3)).branch(2).uniform(3)[:, 2, :2]
    inner = np.einsum("mki,min->mkn", normal[..., :2] / length[:, None], X) + phase[..., None]
    function = FourierMechanism(features=5).function(STREAMS, EDGES)
    expected = (normal[..., 3, None] * np.cos(inner)).sum(axis=1)
    assert_allclose(function.signal(2, X), expected, atol=1e-9)


def test_random_features_have_the_covariance_of_the_gaussian_process() -> None:
    law = FourierMechanism(features=64, shortest=1.5, longest=1.5)
    x = np.broadcast_to(np.linspace(-2, 2, 5), (400, 1, 5))
    signal = law.function(STREAMS, EDGES[:, :2, :2]).signal(1, x)
    covariance = signal.T @ signal / 400 / 32  # a wave's variance is one half
    kernel = np.exp(-(np.subtract.outer(x[0, 0], x[0, 0]) ** 2) / (2 * 1.5**2))
    assert np.abs(covariance - kernel).max() < 4 * np.sqrt(2 / 400)


def test_networks_are_the_sum_of_units_that_was_drawn() -> None:
    normal = STREAMS.at(Site.MECHANISM, range(3), range(10)).normal(5)[:, 2]
    inner = 2 / np.sqrt(2) * np.einsum("mki,min->mkn", normal[..., :2], X) + normal[..., 3, None]
    function = NeuralMechanism().function(STREAMS, EDGES)
    assert_allclose(function.signal(2, X), (normal[..., 4, None] * np.tanh(inner)).sum(axis=1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FourierMechanism(features=0), "features is 0; give at least 1"),
        (lambda: FourierMechanism(shortest=0.0), r"shortest is 0\.0; give a length above 0"),
        (lambda: FourierMechanism(longest=0.1), r"low is 0\.7 and high is 0\.1"),
        (lambda: NeuralMechanism(hidden=0), "hidden is 0; give at least 1"),
        (lambda: NeuralMechanism(gain=0.0), r"gain is 0\.0; give a number above 0"),
    ],
)
def test_refuses_parameters_that_no_function_has(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(InputError, match=message):
        make()
