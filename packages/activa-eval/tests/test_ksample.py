from typing import Any

import numpy as np
import pytest
from activa_eval import InputError, energy_distance, energy_test, k_sample_energy_test
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats


def draw(*sizes: int, d: int = 2, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((n, d)) for n in sizes]


def test_the_statistic_sums_the_weighted_distances_of_all_pairs() -> None:
    samples = draw(7, 5, 9, 4)
    expected = sum(
        len(u) * len(v) / (len(u) + len(v)) * energy_distance(u, v)
        for i, u in enumerate(samples)
        for v in samples[:i]
    )
    got = k_sample_energy_test(samples, n_permutations=9, seed=0).statistic
    assert_allclose(got, expected, rtol=1e-12)


def test_two_samples_have_the_p_value_of_the_two_sample_test_up_to_its_permutations() -> None:
    x, y = draw(15, 12)
    y += 0.5
    many = {"n_permutations": 20_000, "seed": 0}
    both = k_sample_energy_test([x, y], **many).p_value, energy_test(x, y, **many).p_value
    assert abs(both[0] - both[1]) < 5 * np.sqrt(both[1] / 20_000)


def test_p_values_of_equal_laws_are_uniform() -> None:
    rng = np.random.default_rng(0)
    samples = [rng.standard_normal((500, n, 2)) for n in (6, 9, 7)]
    p = k_sample_energy_test(samples, n_permutations=99, seed=1).p_value
    # p takes the values 0.01, ..., 1: spread each over its step, as KS asks for a density
    smooth = p - rng.random(500) / 100
    assert stats.kstest(smooth, "uniform").pvalue > 0.001


def test_one_shifted_sample_among_four_is_found() -> None:
    rng = np.random.default_rng(0)
    samples = [rng.standard_normal((60, 20, 2)) + shift for shift in (0.0, 0.0, 0.0, 1.0)]
    assert np.mean(k_sample_energy_test(samples, n_permutations=99, seed=0).p_value <= 0.05) > 0.9


def test_a_batch_is_tested_pair_by_pair_and_a_missing_row_spoils_its_own() -> None:
    first, second, third = draw(3 * 8, 3 * 6, 5)
    first, second = first.reshape(3, 8, 2), second.reshape(3, 6, 2)
    second[1, 0, 0] = np.nan
    got = k_sample_energy_test([first, second, third], n_permutations=19, seed=4)
    assert_array_equal(np.isnan(got.p_value), [False, True, False])
    alone = k_sample_energy_test([first[2], second[2], third], n_permutations=19, seed=4)
    assert_allclose(got.statistic[2], alone.statistic, rtol=1e-12)
    assert got.p_value[2] == alone.p_value


def test_equal_samples_have_p_value_one() -> None:
    x = draw(6)[0]
    assert k_sample_energy_test([x, x, x], n_permutations=19, seed=0).p_value == 1.0


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([np.zeros((3, 1))], "there are 1 samples"),
        ([np.zeros((3, 1)), np.zeros((3, 2))], r"samples\[1\] as y: x has 1 columns, y has 2"),
        ([np.zeros((3, 1)), np.zeros((3, 1)), np.zeros((0, 1))], r"samples\[2\] as y: y has shape"),
        ([np.zeros((3, 1)), [["a"]]], r"samples\[1\] is not an array"),
    ],
    ids=["one", "columns", "empty", "text"],
)
def test_samples_that_cannot_be_compared_are_refused_by_their_number(
    samples: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        k_sample_energy_test(samples, seed=0)
