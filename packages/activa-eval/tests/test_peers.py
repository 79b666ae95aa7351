"""The same numbers as other packages, where they define them; `nox -s peers` installs these."""

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from activa_eval import (
    crps,
    energy_distance,
    energy_test,
    k_sample_energy_test,
    mmd,
    sliced_wasserstein,
    wasserstein,
)
from activa_eval.sliced import directions
from numpy.testing import assert_allclose

pytestmark = pytest.mark.slow
TOLERANCE: dict[str, Any] = {
    "rtol": 1e-10,
    "atol": 1e-12,
}  # atol: a distance of zero is rounding to some of them


class Problem(NamedTuple):
    x: Any
    y: Any
    a: Any
    b: Any


def problems() -> Iterator[Problem]:
    """200 pairs of samples of any sizes with ties, duplicates, one column, large means, weights."""
    rng = np.random.default_rng(0)
    for number in range(200):
        n, m, d = rng.integers(2, 30), rng.integers(2, 30), rng.integers(1, 6)
        if number % 3 == 0:
            m = n
        x, y = rng.standard_normal((n, d)), rng.gamma(1.0, size=(m, d))
        if number % 4 == 1:  # ties within and between
            x, y = np.round(x), np.round(y)
        if number % 5 == 2:  # duplicates
            x, y = x[rng.integers(n, size=n)], np.concatenate([x, y])[rng.integers(n + m, size=m)]
        if number % 7 == 3:
            x, y = x + 1000.0, y + 1000.0
        a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
        if number % 6 == 4 and n > 2:
            a[0] = 0.0
            a /= a.sum()
        yield Problem(x, y, a, b)


def imported(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what they import
        return pytest.importorskip(name)


def weightings(a: Any, b: Any) -> list[dict[str, Any]]:
    return [{}, {"a": a, "b": b}]


def even(rows: Any) -> Any:
    return np.full(len(rows), 1 / len(rows))


def test_energy_distance_is_that_of_dcor() -> None:
    dcor = imported("dcor")
    for x, y, _, _ in problems():
        assert_allclose(energy_distance(x, y), dcor.energy_distance(x, y), **TOLERANCE)
        theirs = dcor.energy_distance(x, y, estimation_stat="u_statistic")
        assert_allclose(energy_distance(x, y, biased=False), theirs, **TOLERANCE)


def test_the_statistics_of_the_energy_tests_are_those_of_dcor() -> None:
    dcor = imported("dcor")
    for x, y, _, _ in problems():
        n, m = len(x), len(y)
        two = energy_test(x, y, n_permutations=1, seed=0).statistic * n * m / (n + m)
        theirs = dcor.homogeneity.energy_test_statistic(x, y)
        assert_allclose(two, theirs, **TOLERANCE)
        three = k_sample_energy_test([x, y, y[::-1] * 2], n_permutations=1, seed=0).statistic
        theirs = dcor.homogeneity.energy_test(x, y, y[::-1] * 2, num_resamples=0).statistic
        assert_allclose(three, theirs, **TOLERANCE)


def test_p_values_are_those_of_hyppo_up_to_the_permutations() -> None:
    hyppo = imported("hyppo.ksample")
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((20, 2)), rng.standard_normal((25, 2)) + 0.4
    ours = energy_test(x, y, n_permutations=5000, seed=0).p_value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = hyppo.Energy().test(x, y, reps=5000, workers=1, auto=False).pvalue
    assert abs(ours - theirs) < 6 * np.sqrt(ours * (1 - ours) / 5000)


def test_on_a_line_distances_are_those_of_scipy() -> None:
    stats = imported("scipy.stats")
    for x, y, a, b in problems():
        for column in range(x.shape[1]):
            u, v = x[:, [column]], y[:, [column]]
            theirs = stats.energy_distance(u[:, 0], v[:, 0], a, b)
            # theirs is a root, which turns a rounding of 1e-16 into 1e-8
            assert_allclose(energy_distance(u, v, a=a, b=b), theirs**2, rtol=1e-10, atol=1e-11)
            theirs = stats.wasserstein_distance(u[:, 0], v[:, 0], a, b)
            assert_allclose(wasserstein(u, v, a=a, b=b), theirs, **TOLERANCE)


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_wasserstein_and_its_plan_are_those_of_pot(p: float) -> None:
    ot = imported("ot")
    spatial = imported("scipy.spatial.distance")
    for x, y, a, b in problems():
        cost = spatial.cdist(x, y) ** p
        for weights in weightings(a, b):
            margins = weights.get("a", even(x)), weights.get("b", even(y))
            theirs = ot.emd2(*margins, cost)
            distance, plan = wasserstein(x, y, p=p, plan=True, **weights)
            assert_allclose(distance**p, theirs, **TOLERANCE)
            assert_allclose((plan * cost).sum(), theirs, **TOLERANCE)
            assert_allclose(wasserstein(x, y, p=p, **weights) ** p, theirs, **TOLERANCE)


def test_assignments_are_those_of_scipy() -> None:
    optimize, spatial = imported("scipy.optimize"), imported("scipy.spatial.distance")
    for x, y, _, _ in problems():
        k = min(len(x), len(y))
        cost = spatial.cdist(x[:k], y[:k])
        theirs = cost[optimize.linear_sum_assignment(cost)].mean()
        assert_allclose(wasserstein(x[:k], y[:k]), theirs, **TOLERANCE)


def test_sliced_wasserstein_is_that_of_pot_on_the_same_lines() -> None:
    ot = imported("ot")
    for x, y, a, b in problems():
        lines = directions(x.shape[1], 16, 3)
        for weights in weightings(a, b):
            theirs = ot.sliced_wasserstein_distance(
                x, y, weights.get("a"), weights.get("b"), projections=lines.T, p=2
            )
            ours = sliced_wasserstein(x, y, p=2, n_projections=16, seed=3, **weights)
            assert_allclose(ours, theirs, rtol=1e-9, atol=1e-7)  # theirs is a root too


def test_mmd_is_that_of_the_kernel_matrices_of_scikit_learn() -> None:
    kernels = imported("sklearn.metrics.pairwise")
    for x, y, a, b in problems():
        for s in (0.5, 2.0):
            gamma = 1 / (2 * s**2)
            xx, yy, xy = (kernels.rbf_kernel(*p, gamma=gamma) for p in ((x, x), (y, y), (x, y)))
            theirs = a @ xx @ a + b @ yy @ b - 2 * a @ xy @ b
            ours = mmd(x, y, a=a, b=b, bandwidth=s, squared=True)
            # far from the origin theirs is a difference of large squares
            assert_allclose(ours, max(theirs, 0.0), rtol=1e-10, atol=1e-12 * (x**2).sum(1).max())


def test_mmd_is_that_of_the_distances_of_scipy_with_the_median() -> None:
    spatial = imported("scipy.spatial.distance")
    for x, y, _, _ in problems():
        pooled = np.concatenate([x, y])
        s = np.median(spatial.pdist(pooled))
        if s == 0.0:
            continue
        k = np.exp(-(spatial.cdist(pooled, pooled) ** 2) / (2 * s**2))
        w = np.concatenate([even(x), -even(y)])
        assert_allclose(mmd(x, y, squared=True), max(w @ k @ w, 0.0), **TOLERANCE)


def test_crps_is_half_the_squared_distance_of_scipy_to_a_point() -> None:
    stats = imported("scipy.stats")
    for x, y, a, _ in problems():
        ours = crps(x, y, a=a)
        for row, column in ((0, 0), (len(y) - 1, x.shape[1] - 1)):
            theirs = stats.energy_distance(x[:, column], [y[row, column]], a) ** 2 / 2
            assert_allclose(ours[row, column], theirs, rtol=1e-10, atol=1e-11)
