import numpy as np
import pytest
from activa_sim.noises.families import FAMILIES
from activa_sim.rng import Site, model_streams
from numpy.typing import NDArray
from scipy import stats

Q = 1e-4  # smallest p value that passes; seeds are fixed, so a test passes always or never
SHAPE = np.array([[0.3, 0.6, 0.1], [0.8, 0.2, 0.9]])  # two settings of the uniform numbers


LAWS = {  # scipy's law of each setting, and whether it is mirrored
    "gaussian": [(stats.norm(), False)] * 2,
    "uniform": [(stats.uniform(), False)] * 2,
    "laplace": [(stats.laplace(), False)] * 2,
    "student_t": [(stats.t(5.8), False), (stats.t(8.8), False)],
    "beta": [(stats.beta(1.55, 2.6), False), (stats.beta(3.3, 1.2), False)],
    "gamma": [(stats.gamma(1.9), True), (stats.gamma(3.4), False)],
    "gumbel": [(stats.gumbel_r(), True), (stats.gumbel_r(), False)],
}


def sample(name: str) -> NDArray[np.float64]:
    at = model_streams(2, "train", 0, 2).at(Site.NOISE, range(40))
    return FAMILIES[name](at, 1001, SHAPE).reshape(2, -1)


@pytest.mark.parametrize("name", sorted(LAWS))
def test_numbers_follow_their_law(name: str) -> None:
    for numbers, (law, mirrored) in zip(sample(name), LAWS[name], strict=True):
        in_its_own_units = law.mean() + law.std() * (-numbers if mirrored else numbers)
        assert stats.kstest(in_its_own_units, law.cdf).pvalue > Q


def test_the_mixture_has_two_gaussian_humps() -> None:
    for numbers, (p, g, _) in zip(sample("mixture"), SHAPE, strict=True):
        weight, gap = 0.2 + 0.6 * p, 1.5 + 2.5 * g
        sd = np.sqrt(1 + weight * (1 - weight) * gap**2)
        low, high = (stats.norm(mean / sd, 1 / sd) for mean in (-gap * weight, gap - gap * weight))
        levels = (1 - weight) * low.cdf(numbers) + weight * high.cdf(numbers)
        assert stats.kstest(levels, "uniform").pvalue > Q


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_numbers_have_zero_mean_and_unit_variance(name: str) -> None:
    for numbers in sample(name):
        assert abs(numbers.mean()) < 4.5 / np.sqrt(numbers.size)
        spread = np.sqrt((stats.kurtosis(numbers) + 2) / numbers.size)
        assert abs(numbers.var() - 1) < 4.5 * spread
