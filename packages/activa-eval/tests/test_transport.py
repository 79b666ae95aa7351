from typing import Any

import numpy as np
import pytest
from activa_eval import InputError, sliced_wasserstein, wasserstein
from activa_eval.line import line_distance
from activa_eval.sliced import directions
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist


def draw(n: int, m: int, d: int, *, weighted: bool = False, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, d)), 0.5 + rng.exponential(size=(m, d))
    if not weighted:
        return x, y, {}
    return x, y, {"a": rng.dirichlet(np.ones(n)), "b": rng.dirichlet(np.ones(m))}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("p", [1.0, 2.0, 3.5])
@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (7, 5, 1), (6, 6, 1), (7, 5, 3), (6, 6, 2)])
def test_a_plan_has_the_margins_and_the_cost_that_it_says(
    n: int, m: int, d: int, p: float, weighted: bool
) -> None:
    x, y, weights = draw(n, m, d, weighted=weighted)
    distance, plan = wasserstein(x, y, p=p, plan=True, **weights)
    assert (plan >= 0.0).all()
    assert_allclose(plan.sum(axis=1), weights.get("a", np.full(n, 1 / n)), atol=1e-12)
    assert_allclose(plan.sum(axis=0), weights.get("b", np.full(m, 1 / m)), atol=1e-12)
    assert_allclose(distance, ((plan * cdist(x, y) ** p).sum()) ** (1 / p), rtol=1e-12)
    assert_allclose(distance, wasserstein(x, y, p=p, **weights), rtol=1e-11)


def test_plans_are_batched_and_missing_where_a_row_is() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 3, 5, 2))
    x[1, 0, 0] = np.nan
    distance, plan = wasserstein(x, y[:, :4], plan=True)
    assert plan.shape == (3, 5, 4)
    assert_array_equal(np.isnan(distance), [False, True, False])
    assert_array_equal(np.isnan(plan).all(axis=(1, 2)), [False, True, False])
    assert_array_equal(plan[2], wasserstein(x[2], y[2, :4], plan=True).plan)


def test_copies_of_the_rows_are_at_distance_zero_for_any_order() -> None:
    x, _, weights = draw(7, 1, 1, weighted=True)
    twice, halves = np.repeat(x, 2, axis=0), np.repeat(weights["a"], 2) / 2
    for p in (1.0, 2.0, 8.0):
        assert wasserstein(x, twice, p=p) == 0.0
        assert wasserstein(x, twice, a=weights["a"], b=halves, p=p) == 0.0


@pytest.mark.parametrize("d", [1, 2])
def test_a_high_order_neither_over_nor_underflows_in_silence(d: int) -> None:
    x, y, _ = draw(5, 4, d)
    for p in (64.0, 300.0):
        assert_allclose(wasserstein(x * 1e30, y * 1e30, p=p), 1e30 * wasserstein(x, y, p=p))
    largest = wasserstein(x, y, p=300.0)
    assert wasserstein(x, y, p=20.0) < largest < cdist(x, y).max() + 1e-9


def test_powers_that_vanish_are_refused_by_the_pair() -> None:
    x = np.array([[[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [1e9, 1e9]]])
    y = x + 1.0
    with pytest.raises(InputError, match=r"r\^p leaves float64 for p = 60.0 in pair 1; give a sm"):
        wasserstein(x, y, p=60.0)
    assert_allclose(wasserstein(x[:1], y[:1], p=60.0), np.sqrt(2.0))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "m"), [(7, 5), (6, 6)])
def test_sliced_wasserstein_is_the_root_mean_over_lines(n: int, m: int, weighted: bool) -> None:
    x, y, weights = draw(n, m, 3, weighted=weighted)
    lines = directions(3, 11, 5)
    assert_allclose(np.linalg.norm(lines, axis=1), 1.0)
    for p in (1.0, 2.0, 2.5):
        powers = [
            wasserstein((x @ line)[:, None], (y @ line)[:, None], p=p, **weights) ** p
            for line in lines
        ]
        got = sliced_wasserstein(x, y, p=p, n_projections=11, seed=5, **weights)
        assert_allclose(got, np.mean(powers) ** (1 / p), rtol=1e-12)


def test_sliced_wasserstein_does_not_depend_on_how_lines_and_pairs_are_blocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 5, 9, 2))
    whole = sliced_wasserstein(x, y, n_projections=7)
    monkeypatch.setattr("activa_eval.arrays.CELLS", 40)
    monkeypatch.setattr("activa_eval.sliced.CELLS", 40)
    assert_array_equal(sliced_wasserstein(x, y, n_projections=7), whole)


def test_on_a_line_equal_weights_are_merged_exactly() -> None:
    n, m = 30_011, 30_013  # whose cumulative sums of 1 / n round
    x, y = np.arange(n) / n, np.arange(m) / m + 10.0
    got = line_distance(x, y, np.full(n, 1 / n), np.full(m, 1 / m), 1.0)
    assert_allclose(got, y.mean() - x.mean(), rtol=1e-15)
