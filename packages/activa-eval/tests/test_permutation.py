from typing import Any

import numpy as np
import pytest
from activa_eval import InputError, energy_distance, energy_test, mmd, mmd_test
from scipy import stats

TESTS = [energy_test, mmd_test]


@pytest.mark.parametrize(
    ("test", "distance"), [(energy_test, energy_distance), (mmd_test, lambda x, y: mmd(x, y) ** 2)]
)
def test_the_statistic_is_the_distance_between_the_samples(test: Any, distance: Any) -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 3, 7, 2))
    got = test(x, y[:, :5], n_permutations=9, seed=0).statistic
    np.testing.assert_allclose(got, distance(x, y[:, :5]), rtol=1e-10)


def test_the_p_value_is_that_of_scipys_exact_permutations() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((5, 1)), rng.standard_normal((4, 1)) + 0.8
    exact = stats.permutation_test(
        (x[:, 0], y[:, 0]),
        lambda u, v: float(energy_distance(u[:, None], v[:, None])),
        n_resamples=np.inf,
        alternative="greater",
    )
    got = energy_test(x, y, n_permutations=20_000, seed=0).p_value
    assert abs(got - exact.pvalue) < 4 * np.sqrt(exact.pvalue / 20_000)


@pytest.mark.parametrize("test", TESTS)
def test_p_values_of_equal_laws_are_uniform(test: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 600, 12, 2))
    p = test(x, y[:, :9], n_permutations=99, seed=1).p_value
    # p takes the values 0.01, ..., 1: spread each over its step, as KS asks for a density
    assert stats.kstest(p - rng.random(600) / 100, "uniform").pvalue > 0.01
    for level in (0.05, 0.25, 0.5):
        assert abs(np.mean(p <= level) - level) < 4 * np.sqrt(level * (1 - level) / 600)


@pytest.mark.parametrize("test", TESTS)
def test_a_shift_of_one_standard_deviation_is_found(test: Any) -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 100, 40, 2))
    y[..., 0] += 1.0
    assert np.mean(test(x, y, n_permutations=99, seed=0).p_value <= 0.05) > 0.9


@pytest.mark.parametrize("test", TESTS)
def test_equal_samples_have_p_value_one_and_distant_ones_the_smallest(test: Any) -> None:
    x = np.random.default_rng(0).standard_normal((20, 2))
    assert test(x, x, n_permutations=99, seed=0).p_value == 1.0
    assert test(x, x + 100.0, n_permutations=99, seed=0).p_value == 0.01


@pytest.mark.parametrize("test", TESTS)
def test_a_permutation_that_equals_the_data_is_as_extreme_as_the_data(test: Any) -> None:
    assert test([[0.1]], [[0.4]], n_permutations=9, seed=0).p_value == 1.0  # swapped or not
    assert test([[0.1]] * 3, [[0.1]] * 4, n_permutations=9, seed=0).p_value == 1.0


def test_a_pair_does_not_depend_on_what_else_is_in_the_batch() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 5, 9, 2))
    batched = energy_test(x, y, n_permutations=49, seed=3)
    for pair in range(5):
        alone = energy_test(x[pair], y[pair], n_permutations=49, seed=3)
        assert alone.p_value == batched.p_value[pair]


def test_a_missing_entry_gives_nan_for_its_pair() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 3, 5, 2))
    y[2, 0, 0] = np.nan
    result = energy_test(x, y, n_permutations=9, seed=0)
    np.testing.assert_array_equal(np.isnan(result.p_value), [False, False, True])
    np.testing.assert_array_equal(np.isnan(result.statistic), [False, False, True])


def test_a_fixed_bandwidth_is_used() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 7, 2))
    got = mmd_test(x, y, n_permutations=9, seed=0, bandwidth=0.3).statistic
    np.testing.assert_allclose(got, mmd(x, y, bandwidth=0.3, squared=True), rtol=1e-10)


@pytest.mark.parametrize(
    ("bandwidth", "message"),
    [
        ("truth", 'use "median" or positive numbers'),
        (0.0, "not a positive number"),
        ([1.0, -1.0], "bandwidth -1.0 is not a positive number"),
    ],
)
def test_a_bandwidth_that_labels_would_change_or_that_is_none_is_refused(
    bandwidth: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        mmd_test(np.zeros((3, 1)), np.zeros((3, 1)), seed=0, bandwidth=bandwidth)


def test_no_permutation_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="n_permutations is 0"):
        energy_test(np.zeros((3, 1)), np.zeros((3, 1)), n_permutations=0, seed=0)


@pytest.mark.parametrize("n_permutations", [0, 9.5, True])
def test_a_number_of_permutations_is_a_whole_number(n_permutations: Any) -> None:
    with pytest.raises(InputError, match="n_permutations is"):
        mmd_test(np.zeros((3, 1)), np.zeros((3, 1)), n_permutations=n_permutations, seed=0)


def test_the_unit_of_the_data_does_not_change_a_p_value() -> None:
    x, y = np.random.default_rng(3).standard_normal((2, 20, 9, 2))
    expected = energy_test(x, y, n_permutations=49, seed=0).p_value
    for scale in (1e-14, 1e14):
        got = energy_test(scale * x, scale * y, n_permutations=49, seed=0).p_value
        np.testing.assert_array_equal(got, expected)


def test_widths_of_any_size_are_tested() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 3, 9, 2))
    expected = mmd_test(x, y, n_permutations=99, seed=2, bandwidth=0.5)
    scaled = mmd_test(x * 2.0**900, y * 2.0**900, n_permutations=99, seed=2, bandwidth=2.0**899)
    np.testing.assert_allclose(scaled.statistic, expected.statistic, rtol=1e-12)
    np.testing.assert_array_equal(scaled.p_value, expected.p_value)


@pytest.mark.parametrize("bandwidth", [0.7, [0.7, 0.7]])
def test_a_kernel_of_ones_own_is_tested_like_the_gaussian(bandwidth: Any) -> None:
    def gaussian(u: Any, v: Any) -> Any:
        return np.exp(-np.square(u[:, :, None] - v[:, None]).sum(axis=-1) / (2 * 0.7**2))

    x, y = np.random.default_rng(0).standard_normal((2, 3, 9, 2))
    own = mmd_test(x, y[:, :6], n_permutations=99, seed=2, kernel=gaussian)
    built_in = mmd_test(x, y[:, :6], n_permutations=99, seed=2, bandwidth=bandwidth)
    np.testing.assert_allclose(own.statistic, built_in.statistic, rtol=1e-10)
    np.testing.assert_array_equal(own.p_value, built_in.p_value)
