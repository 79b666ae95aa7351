from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from activa_eval import (
    InputError,
    conditional_gaussian,
    eqvar,
    hedge,
    ida,
    lingam,
    no_change,
    oracle,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

OBS = np.random.default_rng(0).standard_normal((40, 3)) @ [[1, 2, 0], [0, 1, 1], [0, 0, 1]]
TARGETS, VALUES = np.array([True, False, False]), np.array([5.0, np.nan, np.nan])
ROWS = np.random.default_rng(1).normal([5.0, 8.0, 4.0], 1.0, size=(7, 3))
BASELINES = [no_change, conditional_gaussian, hedge, eqvar, lingam, ida]


def test_no_change_keeps_every_observed_row_and_sets_the_target() -> None:
    rows = no_change(OBS, TARGETS, VALUES, 0).sample(40, seed=3)
    assert (rows[:, 0] == 5.0).all()
    by_first = rows[np.argsort(rows[:, 1]), 1:]
    assert_array_equal(by_first, OBS[np.argsort(OBS[:, 1]), 1:])


def test_no_change_shows_every_row_equally_often_when_asked_for_more() -> None:
    rows = no_change(OBS, TARGETS, VALUES, 0).sample(100, seed=3)
    _, counts = np.unique(rows[:, 1], return_counts=True)
    assert_array_equal(np.sort(counts), [2] * 20 + [3] * 20)


def test_conditional_gaussian_is_the_regression_on_the_target() -> None:
    prediction = conditional_gaussian(OBS, TARGETS, VALUES, 0)
    free = OBS[:, 1:]
    covariance = np.cov(OBS.T)
    slope = covariance[1:, 0] / covariance[0, 0]
    mean = free.mean(axis=0) + slope * (5.0 - OBS[:, 0].mean())
    residual = covariance[1:, 1:] - np.outer(slope, covariance[0, 1:])
    law = stats.multivariate_normal(mean, residual)
    assert_allclose(prediction.log_prob(ROWS), law.logpdf(ROWS[:, 1:]), rtol=1e-9)
    rows = prediction.sample(50_000, seed=0)
    assert (rows[:, 0] == 5.0).all()
    assert_allclose(rows[:, 1:].mean(axis=0), mean, atol=0.03)
    assert_allclose(np.cov(rows[:, 1:].T), residual, atol=0.03)


def test_a_query_of_two_targets_conditions_on_both() -> None:
    values = np.array([5.0, 8.0, np.nan])
    prediction = conditional_gaussian(OBS, np.array([True, True, False]), values, 0)
    given, rest = OBS[:, :2] - OBS[:, :2].mean(axis=0), OBS[:, 2] - OBS[:, 2].mean()
    slope = np.linalg.lstsq(given, rest, rcond=None)[0]
    expected = OBS[:, 2].mean() + slope @ (values[:2] - OBS[:, :2].mean(axis=0))
    assert_allclose(prediction.free.mean, expected)


def test_hedge_is_the_equal_mixture_of_the_two() -> None:
    query = OBS, TARGETS, VALUES, 0
    first, second, both = no_change(*query), conditional_gaussian(*query), hedge(*query)
    density = np.exp(first.log_prob(ROWS)) / 2 + np.exp(second.log_prob(ROWS)) / 2
    assert_allclose(np.exp(both.log_prob(ROWS)), density)
    assert_allclose(both.cdf(ROWS), (first.cdf(ROWS) + second.cdf(ROWS)) / 2)
    rows = both.sample(4000, seed=0)
    from_first = np.isin(rows[:, 1], OBS[:, 1])
    assert abs(from_first.mean() - 0.5) < 4 * 0.5 / np.sqrt(4000)
    drawn = rows[~from_first]
    assert_allclose(drawn.mean(axis=0)[1:], second.free.mean, atol=0.1)
    assert not np.isin(drawn[:, 1], both.sample(4000, seed=1)[:, 1]).any()


@pytest.mark.parametrize("baseline", [no_change, conditional_gaussian, hedge, ida])
def test_the_distribution_function_of_a_target_is_a_step_at_its_value(baseline: Any) -> None:
    rows = np.array([[4.9, 0.0, 0.0], [5.0, 0.0, 0.0], [5.1, 0.0, 0.0]])
    cdf = baseline(OBS, TARGETS, VALUES, 0).cdf(rows)
    assert_array_equal(cdf[:, 0], [0.0, 1.0, 1.0])


@pytest.mark.parametrize("baseline", [conditional_gaussian, hedge, eqvar, lingam, ida])
def test_the_seed_of_a_sample_decides_it(baseline: Any) -> None:
    prediction = baseline(OBS, TARGETS, VALUES, 0)
    assert_array_equal(prediction.sample(9, seed=1), prediction.sample(9, seed=1))
    assert not np.array_equal(prediction.sample(9, seed=1), prediction.sample(9, seed=2))


def test_the_oracle_returns_the_replicate_of_the_query() -> None:
    replicate = np.random.default_rng(0).standard_normal((2, 3, 5, 2))
    prediction = oracle.predict_from(SimpleNamespace(interv_replicate=replicate), 1, 2, 0)
    rows = np.asarray(prediction.sample(5, 0))
    assert_array_equal(np.sort(rows, axis=0), np.sort(replicate[1, 2], axis=0))


def test_the_oracle_asks_for_a_replicate() -> None:
    with pytest.raises(InputError, match="replicate=True"):
        oracle.predict_from(SimpleNamespace(interv_replicate=None), 0, 0, 0)


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize(
    ("obs", "targets", "values", "message"),
    [
        (OBS[:1], TARGETS, VALUES, "at least 2 rows"),
        (OBS[:, 0], TARGETS, VALUES, "at least 2 rows"),
        (OBS, TARGETS[:2], VALUES, "do not fit obs"),
        (OBS, TARGETS.astype(int), VALUES, "do not fit obs"),
        (OBS, TARGETS, VALUES[:2], "do not fit obs"),
        (np.where(np.abs(OBS) > 3.0, np.nan, OBS), TARGETS, VALUES, "missing or infinite"),
        (OBS, ~TARGETS, VALUES, "the query sets nothing"),
        (OBS, np.zeros(3, dtype=bool), VALUES, "the query sets nothing"),
    ],
    ids=["one-row", "one-axis", "targets", "integers", "values", "nan", "no-value", "no-target"],
)
def test_a_question_that_makes_no_sense_is_refused(
    baseline: Any, obs: Any, targets: Any, values: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        baseline(obs, targets, values, 0)
