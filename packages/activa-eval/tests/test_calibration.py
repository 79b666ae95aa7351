from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from activa_eval import InputError, coverage, nll, no_change, pit, pit_histogram
from scipy import stats

OBS = np.random.default_rng(0).standard_normal((50, 3)) * [1.0, 2.0, 0.5] + [0.0, 5.0, -1.0]
TARGETS = np.array([False, True, False])
VALUES = np.array([np.nan, 3.0, np.nan])
ROWS = np.random.default_rng(1).standard_normal((7, 3))


def test_nll_is_the_mean_minus_log_density_of_the_free_columns() -> None:
    free = OBS[:, ~TARGETS]
    law = stats.multivariate_normal(free.mean(axis=0), np.cov(free.T))
    prediction = no_change(OBS, TARGETS, VALUES, 0)
    np.testing.assert_allclose(nll(prediction, ROWS), -law.logpdf(ROWS[:, ~TARGETS]).mean())


def test_pit_is_the_marginal_distribution_function_without_the_targets() -> None:
    expected = stats.norm.cdf(ROWS, OBS.mean(axis=0), OBS.std(axis=0, ddof=1))[:, ~TARGETS]
    got = pit(no_change(OBS, TARGETS, VALUES, 0), ROWS, TARGETS)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_a_right_prediction_has_a_uniform_transform_and_covers_what_it_says() -> None:
    rows = np.random.default_rng(2).standard_normal((5000, 2))
    right = SimpleNamespace(cdf=stats.norm.cdf)
    transform = pit(right, rows, np.array([False, False]))
    assert stats.kstest(transform.ravel(), "uniform").pvalue > 0.01
    np.testing.assert_allclose(coverage(transform), [0.5, 0.8, 0.9, 0.95], atol=0.02)


def test_too_narrow_a_prediction_covers_too_little() -> None:
    rows = np.random.default_rng(2).standard_normal((5000, 1))
    narrow = SimpleNamespace(cdf=lambda x: stats.norm.cdf(x, scale=0.5))
    covered = coverage(pit(narrow, rows, np.array([False])), levels=(0.9,))
    expected = 1 - 2 * stats.norm.cdf(-0.5 * stats.norm.ppf(0.95))  # half as wide
    np.testing.assert_allclose(covered, expected, atol=0.02)


def test_the_bounds_of_an_interval_belong_to_it() -> None:
    assert coverage([0.25, 0.75, 0.0, 1.0], levels=(0.5,)) == 0.5


def test_the_histogram_is_flat_for_a_right_prediction_and_high_at_the_ends_for_a_narrow_one() -> (
    None
):
    rows = np.random.default_rng(2).standard_normal((5000, 1))
    right, narrow = (
        pit_histogram(pit(SimpleNamespace(cdf=law), rows, np.array([False])), bins=5)
        for law in (stats.norm.cdf, lambda x: stats.norm.cdf(x, scale=0.5))
    )
    np.testing.assert_allclose(right, 0.2, atol=0.02)
    np.testing.assert_allclose(narrow[0], stats.norm.cdf(0.5 * stats.norm.ppf(0.2)), atol=0.02)
    assert narrow[2] < 0.15
    assert narrow[4] > 0.3


def test_both_ends_of_the_transform_belong_to_its_histogram() -> None:
    np.testing.assert_array_equal(pit_histogram([0.0, 1.0, 0.3], bins=4), [1 / 3, 1 / 3, 0, 1 / 3])
    with pytest.raises(InputError, match="outside of"):
        pit_histogram([0.5, 1.1])
    assert np.isnan(pit_histogram([0.5, np.nan], bins=3)).tolist() == [True] * 3
    assert np.isnan(pit_histogram([])).all()


@pytest.mark.parametrize("transform", [[], [0.5, np.nan]])
def test_coverage_of_nothing_or_of_a_missing_number_is_nan(transform: Any) -> None:
    assert np.isnan(coverage(transform)).all()


@pytest.mark.parametrize(
    ("prediction", "call", "message"),
    [
        (SimpleNamespace(), nll, "has no log_prob"),
        (SimpleNamespace(log_prob=lambda x: x), nll, r"log_prob\(rows\) has shape \(7, 3\)"),
        (SimpleNamespace(), pit, "has no cdf"),
        (SimpleNamespace(cdf=lambda x: x[:, 0]), pit, r"cdf\(rows\) has shape \(7,\)"),
    ],
)
def test_a_prediction_without_a_density_is_refused(
    prediction: Any, call: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        call(prediction, ROWS, *([TARGETS] if call is pit else []))
