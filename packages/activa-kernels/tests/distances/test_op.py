from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from activa_kernels import InputError, native_available
from activa_kernels.distances import (
    energy_terms,
    mmd_terms,
    permutation_statistics,
    pooled_median,
    quadratic_forms,
)
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist
from scipy.stats import energy_distance

Array = NDArray[np.float64]
NAMES = ["native", "reference"] if native_available() else ["reference"]
SIZES = [(1, 1, 1), (1, 7, 2), (7, 1, 3), (40, 40, 2), (30, 30, 8), (65, 17, 5)]


@pytest.fixture(params=NAMES, autouse=True)
def implementation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", request.param)


def samples(n: int, m: int, d: int, seed: int) -> tuple[Array, Array, Array, Array]:
    """Draw two samples on a grid, so that rows are equal here and there, and weights, one zero."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)).round(1), rng.normal(0.5, 2, size=(m, d)).round(1)
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    a[0] = 0 if n > 1 else 1
    a /= a.sum()
    return x, y, a, b


@pytest.mark.parametrize(("n", "m", "d"), SIZES)
@pytest.mark.parametrize("seed", range(2))
def test_energy_terms_are_weighted_means_of_the_distances_of_scipy(
    n: int, m: int, d: int, seed: int
) -> None:
    x, y, a, b = samples(n, m, d, seed)
    terms = energy_terms(x, y, a, b)
    np.testing.assert_allclose(terms.between, a @ cdist(x, y) @ b, rtol=1e-12)
    np.testing.assert_allclose(terms.within_x, a @ cdist(x, x) @ a, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(terms.within_y, b @ cdist(y, y) @ b, rtol=1e-12, atol=1e-300)


def test_on_a_line_they_are_the_square_of_the_energy_distance_of_scipy() -> None:
    x, y, a, b = samples(40, 30, 1, seed=0)
    terms = energy_terms(x, y, a, b)
    ours = 2 * terms.between - terms.within_x - terms.within_y
    np.testing.assert_allclose(ours, energy_distance(x[:, 0], y[:, 0], a, b) ** 2, rtol=1e-10)


@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_mmd_terms_are_weighted_means_of_the_kernel(n: int, m: int, d: int) -> None:
    x, y, a, b = samples(n, m, d, seed=0)
    bandwidths = [0.3, 2.0, 1e3]
    terms = mmd_terms(x, y, bandwidths, a, b)
    for k, s in enumerate(bandwidths):
        for got, left, right, at, of in (
            (terms.between, x, y, a, b),
            (terms.within_x, x, x, a, a),
            (terms.within_y, y, y, b, b),
        ):
            kernel = np.exp(-cdist(left, right, "sqeuclidean") / (2 * s * s))
            np.testing.assert_allclose(got[k], at @ kernel @ of, rtol=1e-12)


def test_a_bandwidth_of_zero_counts_equal_rows() -> None:
    terms = mmd_terms([[1.0], [2.0], [2.0]], [[2.0]], [0.0, 1e-200])
    np.testing.assert_allclose(terms.between, 2 / 3)
    np.testing.assert_allclose(terms.within_x, 5 / 9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_samples_have_three_equal_terms(dtype: type[np.floating[Any]]) -> None:
    x = np.random.default_rng(0).normal(size=(3, 65, 4)).astype(dtype)
    for terms in (energy_terms(x, x.copy()), mmd_terms(x, x.copy(), [[1.0]])):
        np.testing.assert_array_equal(terms.between, terms.within_x)
        np.testing.assert_array_equal(terms.between, terms.within_y)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 11, 12, 13, 40, 100])
@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_the_median_is_that_of_numpy_with_ties_and_without(n: int, decimals: int) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(n, 2)).round(decimals), rng.normal(size=(n + 1, 2)).round(decimals)
    exact = np.median(pdist(np.concatenate([x, y])))
    np.testing.assert_allclose(pooled_median(x, y), exact, rtol=1e-14)
    np.testing.assert_allclose(pooled_median(x, or_mean=False), np.median(pdist(x)) if n > 1 else 0,
                               rtol=1e-14)  # fmt: skip


def test_a_median_of_zero_gives_way_to_the_mean_of_the_positive_distances() -> None:
    rows = np.zeros((2, 9, 1))
    rows[0, -1], rows[1] = 3.0, 5.0
    np.testing.assert_array_equal(pooled_median(rows), [0, 0])
    np.testing.assert_allclose(pooled_median(rows, or_mean=True), [3, 0])


@pytest.mark.parametrize("N", [1, 7, 40, 64, 65, 130])
@pytest.mark.parametrize("K", [1, 33, 70])
def test_quadratic_forms_are_matrix_products(N: int, K: int) -> None:
    rng = np.random.default_rng(0)
    x, forms = rng.normal(size=(2, N, 3)), rng.normal(size=(K, N))
    for bandwidth in (None, 0.7):
        gram = np.stack([cdist(rows, rows) for rows in x])
        if bandwidth is not None:
            gram = np.exp(-((gram / bandwidth) ** 2) / 2)
        exact = np.einsum("ki,pij,kj->pk", forms, gram, forms)
        ours = quadratic_forms(x, forms, bandwidth)
        np.testing.assert_allclose(ours, exact, rtol=1e-11, atol=1e-11 * N * N)


@pytest.mark.parametrize("bandwidth", [None, 1.3])
def test_a_permutation_statistic_is_the_v_statistic_of_the_relabelled_rows(
    bandwidth: float | None,
) -> None:
    x, y, _, _ = samples(6, 4, 2, seed=0)
    drawn = permutation_statistics(x, y, n_permutations=37, seed=5, bandwidth=bandwidth)
    labels = np.repeat([1 / 6, -1 / 4], [6, 4])
    permuted = np.random.default_rng(5).permuted(np.tile(labels, (37, 1)), axis=1)
    pooled = np.concatenate([x, y])
    for signs, got in zip([labels, *permuted], [drawn.observed, *drawn.permuted], strict=True):
        first, second = pooled[signs > 0], pooled[signs < 0]
        if bandwidth is None:
            terms = energy_terms(first, second)
            exact = 2 * terms.between - terms.within_x - terms.within_y
        else:
            within = mmd_terms(first, second, [bandwidth])
            exact = within.within_x[0] + within.within_y[0] - 2 * within.between[0]
        np.testing.assert_allclose(got, exact, atol=1e-13)


def test_a_permutation_that_keeps_or_swaps_the_labels_changes_no_bit() -> None:
    x = np.random.default_rng(0).normal(size=(1, 3)).astype(np.float32)
    drawn = permutation_statistics(x, x + 1, n_permutations=200, seed=0)  # there are no others
    np.testing.assert_array_equal(drawn.permuted, drawn.observed)


def test_a_pair_that_is_not_finite_is_nan_and_leaves_the_others_alone() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 8, 3)), rng.normal(size=(5, 6, 3))
    a = np.full((5, 8), 1 / 8)
    x[0, 3, 1], y[2, 0, 0], a[3, 2] = np.nan, np.inf, np.nan
    bandwidth = np.array([1, np.nan, 1, 1, 1.0])
    spoilt = [[0, 2, 3], [0, 1, 2, 3], [0, 2], [0, 1, 2]]
    drawn = permutation_statistics(x, y, n_permutations=2, seed=0, bandwidth=bandwidth)
    results = [
        energy_terms(x, y, a).within_y,
        mmd_terms(x, y, bandwidth[:, None], a).between[:, 0],
        pooled_median(x, y),
        drawn.permuted[:, 1],
    ]
    for got, where in zip(results, spoilt, strict=True):
        assert np.flatnonzero(np.isnan(got)).tolist() == where
    alone = energy_terms(x[4], y[4], a[4])
    np.testing.assert_array_equal(energy_terms(x, y, a).between[4], alone.between)


def test_leading_axes_broadcast_and_an_empty_batch_is_empty() -> None:
    rng = np.random.default_rng(0)
    x, y, b = rng.normal(size=(2, 1, 5, 3)), rng.normal(size=(4, 6, 3)), rng.random((4, 6))
    terms = energy_terms(x, y, b=b)
    assert terms.between.shape == (2, 4)
    np.testing.assert_allclose(terms.between[1, 2], energy_terms(x[1, 0], y[2], b=b[2]).between)
    assert mmd_terms(x, y, np.ones((4, 7))).between.shape == (2, 4, 7)
    assert pooled_median(x, y).shape == (2, 4)
    assert energy_terms(np.ones((0, 2, 3)), np.ones((4, 3))).between.shape == (0,)


def test_weights_that_all_pairs_share_count_as_those_of_each_pair() -> None:
    x, y, a, b = samples(6, 4, 2, seed=0)
    x, y = np.stack([x, x + 1, 2 * x]), np.stack([y, 3 * y, y])
    own = np.stack([b, b[::-1], b])
    each = energy_terms(x, y, np.stack([a, a, a]), own)
    for shared in (a, np.broadcast_to(a, (3, 6)), np.broadcast_to(a, (1, 6))):
        np.testing.assert_array_equal(energy_terms(x, y, shared, own), each)
    np.testing.assert_array_equal(
        mmd_terms(x, y, [1.0], a, np.broadcast_to(b, (3, 4))),
        mmd_terms(x, y, [1.0], np.stack([a, a, a]), np.stack([b, b, b])),
    )
    np.testing.assert_array_equal(
        np.stack(energy_terms(x[0], y[0], np.broadcast_to(a, (5, 6)), b)),
        np.repeat(np.stack(energy_terms(x[0], y[0], a, b))[:, None], 5, axis=1),
    )
    a[2] = -1.0
    with pytest.raises(InputError, match="negative weight of -1"):
        energy_terms(x, y, np.broadcast_to(a, (3, 6)))


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_float32_far_from_the_origin_keeps_five_digits(shift: float) -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(40, 3)) + shift).astype(np.float32)
    y = (rng.normal(size=(30, 3)) + shift + 1).astype(np.float32)
    exact = energy_terms(x.astype(np.float64), y.astype(np.float64))
    np.testing.assert_allclose(energy_terms(x, y), exact, rtol=1e-6)
    median = pooled_median(x.astype(np.float64), y.astype(np.float64))
    np.testing.assert_allclose(pooled_median(x, y), median, rtol=1e-6)
    kernel = mmd_terms(x.astype(np.float64), y.astype(np.float64), [median])
    np.testing.assert_allclose(mmd_terms(x, y, [median]), kernel, rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-25, 1e25])
def test_float32_whose_squares_float32_cannot_hold_is_computed_in_float64(unit: float) -> None:
    rng = np.random.default_rng(0)
    x, y = ((rng.normal(size=(n, 2)) * unit).astype(np.float32) for n in (20, 30))
    wide = x.astype(np.float64), y.astype(np.float64)
    np.testing.assert_allclose(energy_terms(x, y), energy_terms(*wide), rtol=1e-12)
    np.testing.assert_allclose(pooled_median(x, y), pooled_median(*wide), rtol=1e-12)
    scales = [unit, 1.0]
    np.testing.assert_allclose(mmd_terms(x, y, scales), mmd_terms(*wide, scales), rtol=1e-12)
    drawn = [permutation_statistics(*pair, n_permutations=3, seed=0) for pair in ((x, y), wide)]
    np.testing.assert_allclose(drawn[0].permuted, drawn[1].permuted, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: energy_terms([1.0], [[1.0]]), r"x has shape \(1,\)"),
        (lambda: energy_terms([[1.0]], np.ones((0, 1))), r"y has shape \(0, 1\)"),
        (lambda: energy_terms([[1.0]], [[1.0, 2.0]]), "x has 1 columns, y has 2"),
        (lambda: energy_terms([[1.0]], [[1.0]], [-1.0]), "a has a negative weight of -1"),
        (lambda: energy_terms([[1.0]], [[1.0]], b=[1.0, 2.0]), r"b has shape \(2,\)"),
        (lambda: energy_terms(np.ones((2, 1, 1)), np.ones((3, 1, 1))), "do not broadcast"),
        (lambda: mmd_terms([[1.0]], [[1.0]], 1.0), "bandwidths is a number"),
        (lambda: mmd_terms([[1.0]], [[1.0]], [-1.0]), "a bandwidth is -1"),
        (lambda: quadratic_forms([[1.0]], [[1.0, 1.0]]), r"forms has shape \(1, 2\)"),
        (lambda: quadratic_forms([[1.0]], [[np.nan]]), "forms has an entry that is not finite"),
        (lambda: permutation_statistics([[1.0]], [[1.0]], n_permutations=0, seed=0), "at least 1"),
    ],
)
def test_bad_input_says_what_is_wrong(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(InputError, match=message):
        call()
