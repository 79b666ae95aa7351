import numpy as np
import pytest
from activa_eval import InputError, ida
from activa_eval.baselines import NoChange
from numpy.testing import assert_allclose

FIRST, SECOND = np.array([True, False]), np.array([False, True])


def draw(n: int, weights: np.ndarray, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((n, len(weights)))
    rows: np.ndarray = noise @ np.linalg.inv(np.eye(len(weights)) - weights)
    return rows


def test_a_dependent_pair_is_half_a_cause_and_half_an_effect() -> None:
    rows = draw(200, np.array([[0.0, 2.0], [0.0, 0.0]]))
    prediction = ida(rows, FIRST, np.array([5.0, np.nan]), 0)
    laws = [part.free for part in prediction.parts if isinstance(part, NoChange)]
    slope = np.cov(rows.T)[0, 1] / rows[:, 0].var(ddof=1)
    assert_allclose(laws[0].mean, rows[:, 1].mean() + slope * (5.0 - rows[:, 0].mean()))
    assert_allclose(laws[1].mean, rows[:, 1].mean())
    assert_allclose(prediction.weights, 0.5)


def test_columns_without_correlation_stay_as_they_are() -> None:
    rows = np.random.default_rng(1).standard_normal((50, 2))
    rows -= rows.mean(axis=0)
    rows[:, 1] -= rows[:, 0] * (rows[:, 0] @ rows[:, 1]) / (rows[:, 0] @ rows[:, 0])
    drawn = ida(rows, SECOND, np.array([np.nan, 5.0]), 0).sample(50, seed=0)
    assert_allclose(np.sort(drawn[:, 0]), np.sort(rows[:, 0]))
    assert (drawn[:, 1] == 5.0).all()


def test_known_parents_give_the_interventional_law_of_a_linear_model() -> None:
    # 0 -> 2 <- 1 shows its direction; 2 -> 3
    weights = np.zeros((4, 4))
    weights[0, 2], weights[1, 2], weights[2, 3] = 1.0, -1.0, 2.0
    rows = draw(20_000, weights)
    values = np.array([np.nan, np.nan, 3.0, np.nan])
    (part,) = ida(rows, ~np.isnan(values), values, 0).parts
    drawn = part.sample(20_000, seed=0)
    assert_allclose(drawn.mean(axis=0), [0.0, 0.0, 3.0, 6.0], atol=0.1)
    assert_allclose(np.cov(drawn.T), np.diag([1.0, 1.0, 0.0, 1.0]), atol=0.06)


def test_the_draws_follow_the_density() -> None:
    rows = draw(100, np.array([[0.0, 2.0], [0.0, 0.0]]))
    prediction = ida(rows, FIRST, np.array([5.0, np.nan]), 0)
    drawn = prediction.sample(4000, seed=0)
    at = np.array([[5.0, 2.0], [5.0, 10.0]])
    below = (drawn[:, None, 1] <= at[:, 1]).mean(axis=0)
    assert_allclose(prediction.cdf(at)[:, 1], below, atol=0.04)
    grid = np.stack([np.full(4001, 5.0), np.linspace(-20, 30, 4001)], axis=1)
    assert_allclose(np.exp(prediction.log_prob(grid)).sum() * 50 / 4000, 1.0, atol=1e-3)


def test_two_targets_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="one column at a time"):
        ida(draw(20, np.zeros((3, 3))), np.array([True, True, False]), np.array([1.0, 2.0, 0.0]), 0)
