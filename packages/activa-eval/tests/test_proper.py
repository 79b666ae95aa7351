from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from activa_eval import InputError, crps, energy_distance, energy_score
from numpy.testing import assert_allclose
from scipy import integrate, stats

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((7, 2)), RNG.standard_normal((5, 2))
A = RNG.dirichlet(np.ones(7))


def by_loops(x: Any, y: Any, a: Any, *, biased: bool) -> float:
    """E|X - y| - E|X - X'| / 2 by loops over rows."""
    reach = sum(w * np.linalg.norm(u - y) for w, u in zip(a, x, strict=True))
    total = mass = 0.0
    for i, j in np.ndindex(len(x), len(x)):
        if biased or i != j:
            total += a[i] * a[j] * np.linalg.norm(x[i] - x[j])
            mass += a[i] * a[j]
    return float(reach - total / mass / 2)


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("a", [None, A], ids=["equal", "weighted"])
def test_scores_agree_with_loops(a: Any, biased: bool) -> None:
    w = np.full(7, 1 / 7) if a is None else a
    rows = energy_score(X, Y, a=a, biased=biased)
    assert_allclose(rows, [by_loops(X, y, w, biased=biased) for y in Y], rtol=1e-12)
    columns = crps(X, Y, a=a, biased=biased)
    for column in range(2):
        alone = X[:, [column]]
        expected = [by_loops(alone, y, w, biased=biased) for y in Y[:, [column]]]
        assert_allclose(columns[:, column], expected, rtol=1e-11)


def test_crps_is_the_integral_of_the_squared_difference_of_distribution_functions() -> None:
    x, y = X[:, 0], 0.3
    points = np.sort([*x, y])

    def squared(t: float) -> float:
        return float((np.mean(x <= t) - (y <= t)) ** 2)

    pieces = pairwise(points)
    expected = sum(integrate.quad(squared, *piece)[0] for piece in pieces)
    assert_allclose(crps(X[:, :1], [[y]])[0, 0], expected, rtol=1e-8)


@pytest.mark.parametrize("y", [-50.0, 50.0, 0.0, 1.0, 2.0])
def test_crps_holds_outside_the_sample_and_on_its_ties(y: float) -> None:
    x = np.array([[0.0], [1.0], [1.0], [2.0]])
    expected = by_loops(x, np.array([y]), np.full(4, 0.25), biased=True)
    assert_allclose(crps(x, [[y]])[0, 0], expected, rtol=1e-13)


def test_crps_of_one_row_is_the_absolute_error() -> None:
    assert_allclose(crps([[2.0]], [[5.0], [2.0], [-1.0]])[:, 0], [3.0, 0.0, 3.0])


def test_crps_of_many_rows_is_that_of_the_normal_law() -> None:
    x = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)[:, None]
    y = 0.7
    closed = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)
    assert_allclose(crps(x, [[y]])[0, 0], closed, rtol=1e-4)


def test_the_mean_energy_score_is_half_the_energy_distance_up_to_the_spread_of_the_truth() -> None:
    spread = np.mean([np.linalg.norm(u - v) for u in Y for v in Y])
    assert_allclose(energy_score(X, Y).mean() - spread / 2, energy_distance(X, Y) / 2, rtol=1e-12)


def test_the_unbiased_score_is_right_on_average_for_a_sample_of_any_size() -> None:
    x, y = RNG.standard_normal((2, 4000, 3, 1)), RNG.standard_normal((4000, 1, 1))
    expected = 1 / np.sqrt(np.pi)  # E|X - Y| - E|X - X'| / 2 with all three of one normal law
    for score in (crps, energy_score):
        got = score(x[0], y, biased=False)
        assert abs(got.mean() - expected) < 5 * got.std() / np.sqrt(got.size)


@pytest.mark.parametrize("score", [crps, energy_score])
def test_a_missing_entry_spoils_its_pair_only(score: Any) -> None:
    x, y = RNG.standard_normal((2, 3, 4, 2))
    clean = score(x, y)
    y[1, 0, 0] = np.nan
    spoilt = score(x, y)
    assert np.isnan(spoilt[1]).all()
    assert_allclose(spoilt[[0, 2]], clean[[0, 2]])


def test_an_unbiased_score_of_one_row_is_refused() -> None:
    with pytest.raises(InputError, match="fewer than 2 rows"):
        crps([[0.0]], [[0.0]], biased=False)
