from typing import Any

import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.noises import (
    GaussianNoise,
    GumbelNoise,
    LaplaceNoise,
    MixtureNoise,
    NoiseLaw,
    StudentTNoise,
    UniformNoise,
)
from activa_sim.rng import Site, model_streams
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from scipy import stats

Q = 1e-4  # smallest p value that passes; seeds are fixed, so a test passes always or never
FIXED = [  # laws without a drawn parameter, and scipy's
    (GaussianNoise(2.0), stats.norm(0, 2)),
    (UniformNoise(2.0), stats.uniform(-2 * np.sqrt(3), 4 * np.sqrt(3))),
    (LaplaceNoise(2.0), stats.laplace(0, np.sqrt(2))),
    (StudentTNoise(2.0, 5.0, 5.0), stats.t(5, scale=2 / np.sqrt(5 / 3))),
    (GumbelNoise(2.0, "right"), stats.gumbel_r(*(-np.euler_gamma * 2 * np.sqrt(6) / np.pi, 2 * np.sqrt(6) / np.pi))),
    (GumbelNoise(2.0, "left"), stats.gumbel_l(*(np.euler_gamma * 2 * np.sqrt(6) / np.pi, 2 * np.sqrt(6) / np.pi))),
]  # fmt: skip
ALL = [*(law for law, _ in FIXED), StudentTNoise(), GumbelNoise(), MixtureNoise(3.0)]


def sample(law: NoiseLaw, models: int = 3, d: int = 2, n: int = 5000) -> NDArray[np.float64]:
    streams = model_streams(2, "train", 0, models)
    return law.draw(streams, d).sample(streams.at(Site.NOISE, range(d), range(1, 4)), n)


@pytest.mark.parametrize(("law", "exact"), FIXED)
def test_numbers_follow_their_law(law: NoiseLaw, exact: Any) -> None:
    noise = sample(law)
    assert noise.shape == (3, 2, 3, 5000)
    assert stats.kstest(noise.reshape(-1), exact.cdf).pvalue > Q


@pytest.mark.parametrize("law", ALL)
def test_moments_are_those_that_the_law_names(law: NoiseLaw) -> None:
    drawn = law.draw(model_streams(2, "train", 0, 3), 2)
    noise = sample(law).reshape(3, 2, -1)
    assert_array_equal(drawn.mean, 0.0)
    error = np.sqrt(drawn.variance / noise.shape[-1])
    assert (np.abs(noise.mean(axis=-1)) < 4.5 * error).all()
    spread = np.sqrt((stats.kurtosis(noise, axis=-1) + 2) / noise.shape[-1])
    assert (np.abs(noise.var(axis=-1) / drawn.variance - 1) < 4.5 * spread).all()


def test_degrees_of_freedom_fill_their_range_variable_by_variable() -> None:
    law = StudentTNoise(1.0, 4.5, 12.0)
    df = 4.5 + 7.5 * model_streams(2, "train", 0, 3).at(Site.NOISE_LAW, range(2)).uniform(1)[..., 0]
    noise = sample(law).reshape(3, 2, -1)
    for place in np.ndindex(3, 2):
        exact = stats.t(df[place], scale=1 / np.sqrt(df[place] / (df[place] - 2)))
        assert stats.kstest(noise[place], exact.cdf).pvalue > Q
    assert np.ptp(df) > 2.0


def test_long_tails_stand_on_either_side_equally_often() -> None:
    skew = stats.skew(sample(GumbelNoise(), models=200, n=300).reshape(400, -1), axis=1)
    assert np.abs(skew).min() > 0.5
    assert stats.binomtest(int((skew > 0).sum()), 400).pvalue > Q


def test_mixtures_have_the_two_humps_that_were_drawn() -> None:
    at = model_streams(2, "train", 0, 3).at(Site.NOISE_LAW, range(2))
    weight, gap = 0.2 + 0.6 * at.uniform(1)[..., 0], 1.5 + 2.5 * at.branch(1).uniform(1)[..., 0]
    noise = sample(MixtureNoise(3.0)).reshape(3, 2, -1)
    for place in np.ndindex(3, 2):
        w, g = weight[place], gap[place]
        width = 3.0 / np.sqrt(1 + w * (1 - w) * g**2)
        low, high = (stats.norm(mean * width, width) for mean in (-g * w, g - g * w))
        levels = (1 - w) * low.cdf(noise[place]) + w * high.cdf(noise[place])
        assert stats.kstest(levels, "uniform").pvalue > Q


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UniformNoise(-1), "sd is -1; give a standard deviation of 0 or more"),
        (lambda: LaplaceNoise(float("nan")), "sd is nan"),
        (lambda: StudentTNoise(low=2.0), r"low is 2\.0; give more than 2 degrees of freedom"),
        (lambda: StudentTNoise(low=5.0, high=4.0), r"low is 5\.0 and high is 4\.0"),
        (
            lambda: GumbelNoise(tail="up"),  # type: ignore[arg-type]
            'unknown tail "up"; choose from either, right, left',
        ),
        (lambda: MixtureNoise(least_weight=0.6), r"least_weight is 0\.6; give at most 0\.5"),
        (lambda: MixtureNoise(low=-1.0), r"low is -1\.0 and high is 4\.0"),
    ],
)
def test_refuses_parameters_that_no_law_has(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(InputError, match=message):
        make()
