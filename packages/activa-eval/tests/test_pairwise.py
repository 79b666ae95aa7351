import numpy as np
from activa_eval.pairwise import distances_between, gaussian_kernel, median_bandwidth, upper
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist


def test_distances_are_those_of_scipy_for_each_pair() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((3, 7, 5)), rng.standard_normal((3, 4, 5))
    expected = np.stack([cdist(u, v) for u, v in zip(x, y, strict=True)])
    assert_allclose(distances_between(x, y), expected, rtol=1e-13)


def test_the_entries_above_the_diagonal_are_all_unordered_pairs() -> None:
    assert_array_equal(upper(np.arange(9.0).reshape(1, 3, 3)), [[1.0, 2.0, 5.0]])
    assert upper(np.zeros((2, 1, 1))).shape == (2, 0)


def test_an_even_number_of_distances_has_the_mean_of_the_middle_two_as_median() -> None:
    assert_array_equal(median_bandwidth(np.array([[4.0, 1.0, 2.0, 9.0]])), [3.0])


def test_the_scale_of_mostly_equal_rows_is_the_mean_positive_distance() -> None:
    assert_array_equal(median_bandwidth(np.array([[0.0, 0.0, 0.0, 2.0, 6.0], [0.0] * 5])), [4, 0])


def test_a_tiny_bandwidth_tells_equal_rows_from_all_others() -> None:
    assert_array_equal(
        gaussian_kernel(np.array([[[0.0, 1.0]]]), np.array([1e-200])), [[[1.0, 0.0]]]
    )
