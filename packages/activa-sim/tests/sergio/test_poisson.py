import numpy as np
import pytest
from activa_sim.rng import Site, Streams, model_streams
from activa_sim.sergio.poisson import log_factorial, poisson
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special, stats


def streams(models: int = 20) -> Streams:
    return model_streams(0, "train", 0, models).at(Site.COUNT)


@pytest.mark.parametrize("mean", [0.03, 1.0, 9.99, 10.0, 11.7, 40.0, 300.0, 5e4])
def test_counts_follow_their_law(mean: float) -> None:
    counts = poisson(streams(), np.full((20, 3000), mean))
    assert_array_equal(counts, np.round(counts))
    law = stats.poisson(mean)
    edges = np.unique(law.ppf(np.linspace(0.0, 1.0, 40)[1:-1]))  # bins of nearly equal shares
    found = np.bincount(np.searchsorted(edges, counts.ravel()), minlength=len(edges) + 1)
    expected = np.diff(np.r_[0.0, law.cdf(edges), 1.0]) * counts.size
    common = expected > 5.0
    rest = [found[~common].sum()], [expected[~common].sum()]
    found, expected = (np.r_[n[common], r] for n, r in zip((found, expected), rest, strict=True))
    assert stats.chisquare(found[expected > 0], expected[expected > 0]).pvalue > 1e-4


def test_a_mean_of_zero_gives_zero() -> None:
    assert_array_equal(poisson(streams(), np.zeros((20, 65))), 0.0)


def test_a_count_does_not_depend_on_its_neighbours() -> None:
    mean = np.random.default_rng(0).exponential(20.0, (20, 65))
    whole = poisson(streams(), mean)
    assert_array_equal(poisson(streams()[[3, 17]], mean[[3, 17], :7]), whole[[3, 17], :7])


def test_the_logarithm_of_a_factorial_is_that_of_scipy() -> None:
    k = np.r_[np.arange(100.0), 1e3, 1e5, 1e7]
    assert_allclose(log_factorial(k), special.gammaln(k + 1.0), rtol=1e-13, atol=1e-10)
