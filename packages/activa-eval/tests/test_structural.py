from types import SimpleNamespace

import numpy as np
import pytest
from activa_eval import InputError, eqvar, told_graph
from activa_eval.structural import topological_order, variance_order
from numpy.testing import assert_allclose, assert_array_equal

WEIGHTS = np.array([[0, 0, 0, 0], [1.5, 0, 0, 0], [0, -1.2, 0, 0], [0.8, 0, 0, 0]])  # 2>1>0<3


def draw(n: int, *, seed: int = 0) -> np.ndarray:
    """Rows of V = V WEIGHTS + noise of standard deviation 0.5."""
    noise = 0.5 * np.random.default_rng(seed).standard_normal((n, 4))
    return 3.0 + noise @ np.linalg.inv(np.eye(4) - WEIGHTS)


def test_the_order_of_an_equal_variance_model_puts_parents_first() -> None:
    inverse = np.linalg.inv(np.eye(4) - WEIGHTS)
    place = np.argsort(variance_order(inverse.T @ inverse))
    assert place[2] < place[1] < place[0]
    assert place[3] < place[0]


def test_the_conditional_variances_are_those_of_the_regressions_they_stand_for() -> None:
    rows = np.random.default_rng(0).standard_normal((50, 5)) @ np.diag([3, 1, 2, 5, 4])
    covariance = np.cov(rows.T)
    order = variance_order(covariance)
    for place in range(5):
        before = order[:place]
        explained = covariance[:, before] @ np.linalg.pinv(covariance[np.ix_(before, before)])
        left = (covariance - explained @ covariance[before]).diagonal()
        assert left[order[place]] == left[order[place:]].min()


@pytest.mark.parametrize("target", range(4))
def test_many_rows_of_an_equal_variance_model_give_its_interventional_mean(target: int) -> None:
    targets = np.arange(4) == target
    values = np.where(targets, 5.0, np.nan)
    rows = eqvar(draw(20_000), targets, values, 0).sample(20_000, seed=1)
    cut = np.where(targets, 0.0, WEIGHTS)  # no arrow into the target
    observed_mean = np.full(4, 3.0)
    base = observed_mean - observed_mean @ WEIGHTS
    base[target] = 5.0
    inverse = np.linalg.inv(np.eye(4) - cut)
    assert_allclose(rows.mean(axis=0), base @ inverse, atol=0.05)
    noise = np.diag(np.where(targets, 0.0, 0.25))
    assert_allclose(np.cov(rows.T), inverse.T @ noise @ inverse, atol=0.05)


def test_edges_that_could_be_chance_are_left_out() -> None:
    rows = np.random.default_rng(0).standard_normal((500, 40, 2))
    targets, values = np.array([True, False]), np.array([5.0, np.nan])
    kept = [bool(eqvar(obs, targets, values, 0).weights.any()) for obs in rows]
    assert abs(np.mean(kept) - 0.027) < 0.02  # P(|t| > 2.3) with 38 degrees of freedom


def test_the_residuals_of_a_root_are_its_own_rows_each_as_often() -> None:
    obs = np.random.default_rng(3).standard_normal((9, 2))
    model = eqvar(obs, np.array([False, True]), np.array([np.nan, 2.0]), 0)
    assert not model.weights.any()
    rows = model.sample(9, seed=0)
    assert_allclose(np.sort(rows[:, 0]), np.sort(obs[:, 0]))
    assert_array_equal(rows[:, 1], np.full(9, 2.0))


@pytest.mark.parametrize("obs", [np.full((7, 3), 0.1), draw(3)])
def test_constant_columns_and_fewer_rows_than_columns_still_give_finite_rows(
    obs: np.ndarray,
) -> None:
    d = obs.shape[1]
    targets = np.arange(d) == 0
    rows = eqvar(obs, targets, np.where(targets, 5.0, np.nan), 0).sample(7, seed=0)
    assert rows.shape == (7, d)
    assert np.abs(rows).max() < 100.0


def test_told_the_graph_the_model_regresses_on_the_true_parents_only() -> None:
    batch = SimpleNamespace(
        obs=draw(20_000)[None],
        targets=(np.arange(4) == 1)[None, None],
        values=np.array([[[np.nan, 5.0, np.nan, np.nan]]]),
        graphs=(WEIGHTS != 0)[None],
    )
    rows = np.asarray(told_graph.predict_from(batch, 0, 0, 0).sample(20_000, 1))
    expected = 3.0 + np.array([1.5 * (5.0 - 3.0), 2.0, 0.0, 0.0])
    assert_allclose(rows.mean(axis=0), expected, atol=0.03)


def test_a_graph_that_is_missing_or_has_a_cycle_is_refused() -> None:
    with pytest.raises(InputError, match=r"needs batch\.graphs"):
        told_graph.predict_from(SimpleNamespace(), 0, 0, 0)
    with pytest.raises(InputError, match="cycle"):
        topological_order(np.array([[False, True], [True, False]]))


def test_a_topological_order_puts_parents_first() -> None:
    place = np.argsort(topological_order(WEIGHTS != 0))
    assert place[2] < place[1] < place[0]
    assert place[3] < place[0]
