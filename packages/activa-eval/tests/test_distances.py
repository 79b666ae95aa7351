from typing import Any

import numpy as np
import pytest
from activa_eval import InputError, energy_distance, mmd, sliced_wasserstein, wasserstein
from numpy.testing import assert_allclose
from scipy import stats
from scipy.spatial.distance import cdist

ALL = [energy_distance, mmd, wasserstein, sliced_wasserstein]
SIZES = [(1, 1, 1), (7, 5, 1), (1, 6, 2), (7, 7, 3), (40, 65, 2)]


def draw(n: int, m: int, d: int, *, weighted: bool = False, seed: int = 0) -> Any:
    """Two samples and, if wanted, weights, one of them zero."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, d)), 0.5 + rng.exponential(size=(m, d))
    if not weighted:
        return x, y, {}
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    if n > 2:
        a[1] = 0.0
    return x, y, {"a": a / a.sum(), "b": b}


def naive(kernel: Any, x: Any, y: Any, a: Any, b: Any, *, biased: bool) -> float:
    """sum a a' k + sum b b' k - 2 sum a b k by loops over all pairs of rows."""

    def average(u: Any, v: Any, w: Any, z: Any, *, skip: bool) -> float:
        total = mass = 0.0
        for i, j in np.ndindex(len(u), len(v)):
            if not (skip and i == j):
                total += w[i] * z[j] * kernel(np.linalg.norm(u[i] - v[j]))
                mass += w[i] * z[j]
        return total / mass

    within = average(x, x, a, a, skip=not biased) + average(y, y, b, b, skip=not biased)
    return within - 2 * average(x, y, a, b, skip=False)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_energy_distance_agrees_with_loops(n: int, m: int, d: int, weighted: bool) -> None:
    x, y, weights = draw(n, m, d, weighted=weighted)
    a, b = weights.get("a", np.full(n, 1 / n)), weights.get("b", np.full(m, 1 / m))
    for biased in (True, False) if min(n, m) > 1 else (True,):
        expected = -naive(lambda r: r, x, y, a, b, biased=biased)
        assert_allclose(energy_distance(x, y, biased=biased, **weights), expected, rtol=1e-12)


def test_the_unbiased_energy_distance_of_equal_laws_has_mean_zero() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 4000, 6, 2))
    got = energy_distance(x, y, biased=False)
    assert abs(got.mean()) < 4 * got.std() / np.sqrt(len(got))
    assert energy_distance(x, y).mean() > 0.1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (7, 5), (40, 65)])
def test_on_a_line_energy_and_wasserstein_distance_are_those_of_scipy(
    n: int, m: int, weighted: bool
) -> None:
    x, y, weights = draw(n, m, 1, weighted=weighted)
    theirs = x[:, 0], y[:, 0], weights.get("a"), weights.get("b")
    root = energy_distance(x, y, sqrt=True, **weights)
    assert_allclose(root, stats.energy_distance(*theirs), rtol=1e-10)
    assert_allclose(wasserstein(x, y, **weights), stats.wasserstein_distance(*theirs), rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_mmd_agrees_with_loops(n: int, m: int, d: int, weighted: bool) -> None:
    x, y, weights = draw(n, m, d, weighted=weighted)
    a, b = weights.get("a", np.full(n, 1 / n)), weights.get("b", np.full(m, 1 / m))
    pooled = np.concatenate([x, y])
    median = np.median(cdist(pooled, pooled)[np.triu_indices(n + m, k=1)])
    for bandwidth, s in (("median", median), (0.3, 0.3)):
        for biased in (True, False) if min(n, m) > 1 else (True,):
            got = mmd(x, y, bandwidth=bandwidth, biased=biased, squared=True, **weights)
            expected = naive(lambda r, s=s: np.exp(-(r**2) / (2 * s**2)), x, y, a, b, biased=biased)
            assert_allclose(got, expected, rtol=1e-11)
    square = mmd(x, y, squared=True, **weights)
    assert_allclose(mmd(x, y, **weights), np.sqrt(square), rtol=1e-12)


def test_the_truth_bandwidth_reads_the_second_sample_only() -> None:
    x, y, _ = draw(7, 5, 2)
    s = np.median(cdist(y, y)[np.triu_indices(5, k=1)])
    assert mmd(x, y, bandwidth="truth") == mmd(x, y, bandwidth=float(s))
    assert mmd(x, y, bandwidth="truth") != mmd(x, y)


def test_a_truth_of_one_row_falls_back_on_the_pooled_rows() -> None:
    x, y, _ = draw(7, 1, 2)
    assert mmd(x, y, bandwidth="truth") == mmd(x, y)


def test_a_median_of_zero_gives_way_to_the_mean_of_the_positive_distances() -> None:
    x = np.array([[0.0], [0.0], [0.0], [0.0]])
    y = np.array([[0.0], [0.0], [3.0]])  # 6 of 21 distances are 3, the others 0
    assert mmd(x, y) == mmd(x, y, bandwidth=3.0)
    assert mmd(x, y) > 0.0


def test_two_tight_distant_clusters_have_mmd_0_887_however_distant() -> None:
    x, y = 1e-9 * np.random.default_rng(0).standard_normal((2, 50, 2))
    for far in (1.0, 1e6):  # the median is the distance itself: 2 - 2 exp(-1/2)
        assert_allclose(mmd(x, y + far), np.sqrt(2 - 2 * np.exp(-0.5)), rtol=1e-6)


def test_the_expected_square_of_mmd_under_equality_is_that_of_the_closed_form() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 4000, 20, 1))
    mean_kernel = 1 / np.sqrt(1 + 2 / 1.0**2)  # E k for u - v ~ N(0, 2) and s = 1
    got = mmd(x, y, bandwidth=1.0, squared=True)
    error = got.std() / np.sqrt(len(got))
    assert abs(got.mean() - 2 / 20 * (1 - mean_kernel)) < 4 * error
    unbiased = mmd(x, y, bandwidth=1.0, biased=False, squared=True)
    assert abs(unbiased.mean()) < 4 * error
    assert unbiased.min() < 0.0


@pytest.mark.parametrize(("n", "m", "d"), [(1, 6, 2), (7, 7, 3), (12, 9, 2)])
def test_wasserstein_is_that_of_scipy_in_several_columns(n: int, m: int, d: int) -> None:
    x, y, weights = draw(n, m, d, weighted=True)
    assert_allclose(wasserstein(x, y), stats.wasserstein_distance_nd(x, y), rtol=1e-8)
    weighted = stats.wasserstein_distance_nd(x, y, weights["a"], weights["b"])
    assert_allclose(wasserstein(x, y, **weights), weighted, rtol=1e-8)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.5])
@pytest.mark.parametrize(("n", "m", "d"), [(40, 65, 1), (40, 65, 2), (65, 65, 8)])
def test_wasserstein_is_that_of_pot_for_any_order(n: int, m: int, d: int, p: float) -> None:
    ot = pytest.importorskip("ot")
    x, y, weights = draw(n, m, d, weighted=True)
    cost = cdist(x, y) ** p
    uniform = np.full(n, 1 / n), np.full(m, 1 / m)
    assert_allclose(wasserstein(x, y, p=p), ot.emd2(*uniform, cost) ** (1 / p), rtol=1e-9)
    expected = ot.emd2(weights["a"], weights["b"], cost) ** (1 / p)
    assert_allclose(wasserstein(x, y, p=p, **weights), expected, rtol=1e-9)


def test_wasserstein_of_a_shift_is_its_length() -> None:
    x, _, _ = draw(65, 1, 3)
    shift = np.array([3.0, -4.0, 12.0])
    for p in (1.0, 2.0):
        assert_allclose(wasserstein(x, x + shift, p=p), 13.0, rtol=1e-12)


def test_sliced_wasserstein_of_a_shift_is_its_mean_projection() -> None:
    x, _, _ = draw(20, 1, 2)
    y = x + np.array([3.0, 4.0])
    got = sliced_wasserstein(x, y, n_projections=2000, seed=1)
    assert_allclose(got, 5.0 * 2 / np.pi, rtol=0.03)  # E |cos| = 2 / pi in the plane
    squares = sliced_wasserstein(x, y, p=2, n_projections=2000, seed=1)
    assert_allclose(squares, 5.0 / np.sqrt(2), rtol=0.03)


def test_half_the_energy_distance_bounds_wasserstein_from_below() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 50, 9, 2)) * [[[[1.0]]], [[[3.0]]]]
    assert (energy_distance(x, y) / 2 <= wasserstein(x, y)).all()


@pytest.mark.parametrize("distance", ALL)
@pytest.mark.parametrize("d", [1, 3])
def test_equal_samples_are_at_distance_zero(distance: Any, d: int) -> None:
    x = np.random.default_rng(0).standard_normal((65, d)).astype(np.float32)
    assert distance(x, x) == 0.0
    assert distance(np.ones((11, d)), np.ones((40, d))) == 0.0  # sizes whose sums round


@pytest.mark.parametrize("distance", ALL)
def test_the_order_of_rows_and_the_choice_of_origin_do_not_matter(distance: Any) -> None:
    x, y, _ = draw(40, 33, 2)
    rng, origin = np.random.default_rng(1), np.array([8.0, -3.0])
    moved = distance(rng.permutation(x) + origin, rng.permutation(y) + origin)
    assert_allclose(moved, distance(x, y), rtol=1e-12)


@pytest.mark.parametrize("distance", ALL)
def test_far_from_the_origin_float32_rows_keep_their_distances(distance: Any) -> None:
    grid = np.arange(-8, 8, dtype=np.float32).reshape(8, 2)  # exact in float32, also when moved
    near = distance(grid, grid[::-1] * 2)
    far = distance(grid + np.float32(2**20), grid[::-1] * 2 + np.float32(2**20))
    assert_allclose(far, near, rtol=1e-12)


@pytest.mark.parametrize("distance", ALL)
def test_a_weight_counts_as_so_many_copies_of_the_row(distance: Any) -> None:
    x, y, _ = draw(4, 6, 2)
    options = {"bandwidth": 1.0} if distance is mmd else {}
    weighted = distance(x, y, a=np.array([3.0, 1.0, 0.0, 1.0]) / 5, **options)
    copied = distance(x[[0, 0, 0, 1, 3]], y, **options)
    assert_allclose(weighted, copied, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_energy_and_wasserstein_distance_have_the_unit_of_the_data(scale: float) -> None:
    x, y, _ = draw(9, 7, 2)
    for distance in (energy_distance, wasserstein, sliced_wasserstein):
        assert_allclose(distance(scale * x, scale * y), scale * distance(x, y), rtol=1e-9)
    assert_allclose(mmd(scale * x, scale * y), mmd(x, y), rtol=1e-9)


@pytest.mark.parametrize(
    ("distance", "options", "message"),
    [
        (energy_distance, {"biased": False, "sqrt": True}, "use sqrt=False"),
        (mmd, {"biased": False}, "use squared=True"),
        (mmd, {"bandwidth": "mean"}, 'bandwidth "mean" is unknown'),
        (mmd, {"bandwidth": 0.0}, "0.0 is not a positive number"),
        (mmd, {"bandwidth": np.nan}, "nan is not a positive number"),
        (wasserstein, {"p": 0.5}, "p is 0.5; give an order of at least 1"),
        (sliced_wasserstein, {"p": np.inf}, "p is inf; give an order of at least 1"),
        (sliced_wasserstein, {"n_projections": 0}, "n_projections is 0"),
    ],
)
def test_options_that_mean_nothing_are_refused(distance: Any, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        distance(np.zeros((3, 2)), np.zeros((3, 2)), **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("distance", ALL)
def test_no_square_of_very_large_or_small_rows_is_lost(distance: Any, dtype: Any) -> None:
    x, y = (part.astype(dtype) for part in draw(9, 7, 2)[:2])
    tiny, huge = (2.0**-120, 2.0**120) if dtype == np.float32 else (2.0**-900, 2.0**1000)
    for scale in (tiny, huge):
        got = distance(x * dtype(scale), y * dtype(scale))
        expected = distance(x, y) * (1.0 if distance is mmd else scale)
        # what leaves float32 is computed in float64, other rows in float32
        assert_allclose(got, expected, rtol=1e-6 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_outlier_of_any_size_leaves_the_kernel_of_the_other_rows_alone(dtype: Any) -> None:
    x, y = (part.astype(dtype) for part in draw(9, 7, 2)[:2])
    far = np.finfo(dtype).max / 4
    x[0] = 1e6
    for options in ({"bandwidth": 0.7}, {"bandwidth": "truth"}, {"bandwidth": [1e-3, 0.5, 1e3]}):
        near = mmd(x, y, **options)
        x[0] = far
        assert_allclose(mmd(x, y, **options), near, rtol=1e-6)
        x[0] = 1e6
    median = mmd(x, y)  # of all pairs, few of which have the outlier
    x[0] = far
    assert_allclose(mmd(x, y), median, rtol=1e-6)


def test_widths_of_any_size_are_taken() -> None:
    x, y, _ = draw(9, 7, 2)
    for power in (-1000, -600, 500, 900):
        scale = 2.0**power
        got = mmd(x * scale, y * scale, bandwidth=[0.5 * scale, 2.0 * scale])
        assert_allclose(got, mmd(x, y, bandwidth=[0.5, 2.0]), rtol=1e-12)
    assert_allclose(mmd(x, y, bandwidth=1e-200), np.sqrt(1 / 9 + 1 / 7), rtol=1e-12)
    halves = mmd(x, y, bandwidth=[1e-200, 1.0, 1e200], squared=True)  # 1e200: all rows are equal
    assert_allclose(3 * halves, 1 / 9 + 1 / 7 + mmd(x, y, bandwidth=1.0, squared=True), rtol=1e-12)


def test_a_pair_of_huge_rows_leaves_the_others_in_its_batch_alone() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 3, 5, 2))
    x[1] *= 1e300
    got = energy_distance(x, y)
    assert np.isfinite(got).all()
    for pair in (0, 2):
        assert got[pair] == energy_distance(x[pair], y[pair])


@pytest.mark.parametrize("distance", ALL)
def test_random_float32_rows_far_from_the_origin_are_correct_to_five_digits(distance: Any) -> None:
    x, y, _ = draw(65, 40, 3)
    x, y = ((part + 1e4).astype(np.float32) for part in (x, y))
    assert_allclose(
        distance(x, y), distance(x.astype(float) - 1e4, y.astype(float) - 1e4), rtol=1e-5
    )
