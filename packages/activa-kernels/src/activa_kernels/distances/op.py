"""The public door of sums over distances: checks once, then dispatches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from activa_kernels.backend import choose
from activa_kernels.distances import native, reference
from activa_kernels.distances.checks import common, flat, rows, samples
from activa_kernels.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from activa_kernels.distances.checks import Array


class Terms(NamedTuple):
    """Weighted means over pairs of rows: of x and y, of x and x, of y and y; diagonals included."""

    between: Array
    within_x: Array
    within_y: Array


class PermutationStatistics(NamedTuple):
    """The statistic of the samples, of `n_permutations` relabelled ones on a last axis, and its scale."""

    observed: Array
    permuted: Array
    mean: Array


def energy_terms(
    x: ArrayLike, y: ArrayLike, a: ArrayLike | None = None, b: ArrayLike | None = None
) -> Terms:
    """Weighted means of the Euclidean distances r: sum a_i b_j r_ij between two samples and within.

    Parameters
    ----------
    x, y : array_like, shapes (..., n, d) and (..., m, d)
        float32 if both are; then distances are computed in it. Sums are float64.
    a, b : array_like, shapes (..., n) and (..., m), optional
        Weights, not negative, of any total; 1/n and 1/m by default. Leading axes broadcast.

    Returns
    -------
    Terms of ndarray of float64, shape (...,)
        All three equal for the same rows and weights in the same order. NaN for a pair with an entry
        that is not finite.

    Raises
    ------
    InputError
        If shapes do not fit, a sample is empty, or a weight is negative.

    Examples
    --------
    >>> terms = energy_terms([[0.0], [2.0]], [[1.0], [1.0]])
    >>> float(2 * terms.between - terms.within_x - terms.within_y)
    1.0
    """
    pairs = samples(x, y, a, b)
    compute = native.energy_terms if _compiled(pairs.x) else reference.energy_terms
    return Terms(*(term.reshape(pairs.batch) for term in compute(pairs).T))


def mmd_terms(
    x: ArrayLike,
    y: ArrayLike,
    bandwidths: ArrayLike,
    a: ArrayLike | None = None,
    b: ArrayLike | None = None,
) -> Terms:
    """Weighted means of the kernel exp(-r^2 / (2 s^2)) between two samples and within each.

    Parameters
    ----------
    x, y, a, b
        As for `energy_terms`.
    bandwidths : array_like, shape (..., K)
        K values of s for each pair, not negative. Zero leaves equal rows at 1 and others at 0.

    Returns
    -------
    Terms of ndarray of float64, shape (..., K)
        As for `energy_terms`; NaN where a bandwidth is NaN.

    Raises
    ------
    InputError
        As `energy_terms`, or if a bandwidth is negative.

    Examples
    --------
    >>> terms = mmd_terms([[0.0]], [[2.0]], [2.0])
    >>> round(float(terms.between[0]), 6), float(terms.within_x[0])
    (0.606531, 1.0)
    """
    scales = np.asarray(bandwidths, dtype=np.float64)
    if scales.ndim < 1:
        raise InputError("bandwidths is a number; give (..., K), one or more for each pair")
    _refuse_negative(scales)
    pairs = samples(x, y, a, b, scales.shape[:-1])
    scales = flat(scales, pairs.batch, 1)
    compute = native.mmd_terms if _compiled(pairs.x) else reference.mmd_terms
    shape = (*pairs.batch, scales.shape[-1])
    return Terms(*(term.reshape(shape) for term in compute(pairs, scales).swapaxes(0, 1)))


def pooled_median(x: ArrayLike, y: ArrayLike | None = None, *, or_mean: bool = False) -> Array:
    """Median distance over all unordered pairs of the pooled rows, as `numpy.median` has it.

    Parameters
    ----------
    x, y : array_like, shapes (..., n, d) and (..., m, d)
        As for `energy_terms`; only `x` is looked at without `y`.
    or_mean : bool
        Where the median is zero, the mean of the positive distances instead.

    Returns
    -------
    ndarray of float64, shape (...,)
        Zero for a single row, and with `or_mean` only where all rows are equal; NaN for a pair with
        an entry that is not finite.

    Raises
    ------
    InputError
        As `energy_terms`.

    Examples
    --------
    >>> float(pooled_median([[0.0], [1.0]], [[3.0]]))
    2.0
    """
    if y is None:
        first = rows(x, "x")
        batch, pooled = first.shape[:-2], flat(first, first.shape[:-2], 2)
    else:
        pairs = samples(x, y)
        batch, pooled = pairs.batch, np.concatenate([pairs.x, pairs.y], axis=1)
    compute = native.pooled_median if _compiled(pooled) else reference.pooled_median
    return compute(pooled, or_mean=or_mean).reshape(batch)


def quadratic_forms(x: ArrayLike, forms: ArrayLike, bandwidth: ArrayLike | None = None) -> Array:
    """Values w'Dw of the distances of all rows for every w of `forms`, or w'Kw of a kernel.

    Parameters
    ----------
    x : array_like, shape (..., N, d)
        Rows, of dtypes as for `energy_terms`.
    forms : array_like, shape (K, N)
        Vectors w, the same for all batches.
    bandwidth : array_like, shape (...,), optional
        s of the kernel exp(-r^2 / (2 s^2)); without it D, not K.

    Returns
    -------
    ndarray of float64, shape (..., K)
        NaN for rows or a bandwidth that are not finite.

    Raises
    ------
    InputError
        If shapes do not fit, or a bandwidth is negative, or a w is not finite.

    Examples
    --------
    >>> quadratic_forms([[0.0], [2.0]], [[1.0, 1.0], [1.0, -1.0]])
    array([ 4., -4.])
    """
    sample, vectors = rows(x, "x"), np.asarray(forms, dtype=np.float64)
    N = sample.shape[-2]
    if vectors.ndim != 2 or vectors.shape[1] != N:
        raise InputError(f"forms has shape {vectors.shape}; give (K, {N}), one entry for each row")
    if not np.isfinite(vectors).all():
        raise InputError("forms has an entry that is not finite; give finite ones")
    scales = None if bandwidth is None else np.asarray(bandwidth, dtype=np.float64)
    batch = sample.shape[:-2]
    if scales is not None:
        _refuse_negative(scales)
        batch = common([batch, scales.shape])
        scales = flat(scales, batch, 0)
    compute = native.quadratic_forms if _compiled(sample) else reference.quadratic_forms
    values = compute(flat(sample, batch, 2), np.ascontiguousarray(vectors), scales)
    return values.reshape(*batch, len(vectors))


def permutation_statistics(
    x: ArrayLike,
    y: ArrayLike,
    *,
    n_permutations: int,
    seed: int,
    bandwidth: ArrayLike | None = None,
) -> PermutationStatistics:
    """V-statistic of two samples of equal weights, and of the same rows with permuted labels.

    It is -w'Dw (energy distance), or with a bandwidth w'Kw (MMD^2), of the pooled rows, where w is
    1/n for x and -1/m for y.

    Parameters
    ----------
    x, y : array_like, shapes (..., n, d) and (..., m, d)
        As for `energy_terms`, without weights.
    n_permutations : int
        At least 1.
    seed : int
        Draws the permutations by NumPy's default generator, the same for all pairs.
    bandwidth : array_like, shape (...,), optional
        s of the kernel exp(-r^2 / (2 s^2)), the same for all permutations.

    Returns
    -------
    PermutationStatistics of ndarray of float64, shapes (...,), (..., n_permutations) and (...,)
        A permutation that keeps the labels gives exactly what was observed. `mean` is that of D or K
        over all pairs of rows: statistics that differ by less than its rounding are the same. NaN for
        a pair with an entry that is not finite.

    Raises
    ------
    InputError
        As `quadratic_forms`, or if there is no permutation to draw.

    Examples
    --------
    >>> drawn = permutation_statistics([[0.0]], [[2.0]], n_permutations=3, seed=0)
    >>> float(drawn.observed), drawn.permuted.tolist()
    (4.0, [4.0, 4.0, 4.0])
    """
    if n_permutations < 1:
        raise InputError(f"n_permutations is {n_permutations}; give at least 1")
    pairs = samples(x, y)
    n, m = pairs.x.shape[1], pairs.y.shape[1]
    signs = reference.permuted_signs(n, m, n_permutations, seed)
    d = pairs.x.shape[2]
    pooled = np.concatenate([pairs.x, pairs.y], axis=1).reshape(*pairs.batch, n + m, d)
    values = quadratic_forms(pooled, [*signs, np.full(n + m, 1 / (n + m))], bandwidth)
    mean, values = values[..., -1], values[..., :-1]
    if bandwidth is None:
        np.negative(values, out=values)
    return PermutationStatistics(values[..., 0], values[..., 1:], mean)


def _compiled(array: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> bool:
    return choose("distances", "cpu", str(array.dtype)).implementation == "native"


def _refuse_negative(bandwidths: Array) -> None:
    if (bandwidths < 0).any():
        raise InputError(f"a bandwidth is {np.nanmin(bandwidths)}; give bandwidths >= 0")
