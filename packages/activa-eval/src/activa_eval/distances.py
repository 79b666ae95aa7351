"""Distances between two samples that are sums over pairs of rows: energy distance and MMD."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from activa_kernels.distances import energy_terms, mmd_terms

from activa_eval.arrays import FloatArray, Pairs, paired, stays_in_torch, to_float
from activa_eval.bandwidth import Bandwidth, Widths, pairs_by_unit
from activa_eval.errors import InputError

Means = TypeVar("Means")
Kernel: TypeAlias = Callable[[Any, Any], Any]
"""k: rows (P, n, d) and (P, m, d) -> (P, n, m), of arrays or, where gradients flow, of tensors."""


def energy_distance(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    biased: bool = True,
    sqrt: bool = False,
) -> FloatArray:
    """Energy distance 2 E|X-Y| - E|X-X'| - E|Y-Y'| of two samples (Szekely & Rizzo, 2013).

    Memory is bounded for any number of rows, time is not: `energy_distance_blocks` estimates it for
    large samples.

    Parameters
    ----------
    x, y : array_like or torch.Tensor, shapes (..., n, d) and (..., m, d)
        Samples in the same units, batched over the leading axes, summed in float64. Gradients flow
        to tensors that require them.
    a, b : array_like, shapes (..., n) and (..., m), optional
        Weights with sum one; equal if left out.
    biased : bool
        The V-statistic (never negative). False gives the U-statistic, which may be negative.
    sqrt : bool
        The square root, which is a metric (`scipy.stats.energy_distance`).

    Returns
    -------
    ndarray of float64, shape (...,)
        In the units of the data; zero for equal samples. A tensor if an input is one.

    Raises
    ------
    InputError
        If a sample is empty or the numbers of columns differ, or if the root of the U-statistic is
        asked for. A pair with a non-finite entry gives NaN.

    Examples
    --------
    >>> float(energy_distance([[0.0], [2.0]], [[1.0], [1.0]]))
    1.0
    """
    refuse_root(sqrt, biased, "sqrt=False")
    least = (1, 1) if biased else (2, 2)
    if stays_in_torch(x, y, a, b):
        from activa_eval import gradients

        traced = gradients.paired(x, y, a, b, least=least)
        result: FloatArray = gradients.energy_distance(traced, biased=biased, sqrt=sqrt)
        return result
    pairs, unit = paired(x, y, a, b, least=least).scaled()
    across, first, second = energy_terms(pairs.x, pairs.y, pairs.a, pairs.b)
    energy = 2.0 * across - over_pairs(first, pairs.a, biased) - over_pairs(second, pairs.b, biased)
    energy = (np.maximum(energy, 0.0) if biased else energy) * unit
    return pairs.unflatten(np.sqrt(energy) if sqrt else energy)


def mmd(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    bandwidth: Bandwidth = "median",
    multiples: float | Sequence[float] = 1.0,
    kernel: Kernel | None = None,
    biased: bool = True,
    squared: bool = False,
) -> FloatArray:
    """Maximum mean discrepancy with the kernel exp(-r^2 / (2 s^2)) (Gretton et al., 2012).

    Parameters
    ----------
    x, y : array_like or torch.Tensor, shapes (..., n, d) and (..., m, d)
        Samples in the same units, batched over the leading axes, summed in float64. Gradients flow
        to tensors that require them, also by way of a median; a number holds s fixed.
    a, b : array_like, shapes (..., n) and (..., m), optional
        Weights with sum one; equal if left out.
    bandwidth : {"median", "truth"}, float or sequence of float
        s: the median distance over all pairs of the pooled rows, over the pairs of `y` only, or
        numbers in the units of the data. A median of zero is replaced by the mean of the positive
        distances. With several numbers the kernel is the mean of theirs.
    multiples : float or sequence of float
        The kernel is the mean of those with these multiples of the bandwidth.
    kernel : callable (rows, rows) -> values, optional
        A positive definite kernel in place of the Gaussian: (P, n, d) and (P, m, d) -> (P, n, m).
    biased : bool
        The V-statistic, diagonal included. False drops the diagonal; then only the square exists.
    squared : bool
        MMD^2 in place of its root.

    Returns
    -------
    ndarray of float64, shape (...,)
        Without unit, at most sqrt(2) for the Gaussian. A tensor if an input is one.

    Raises
    ------
    InputError
        As `energy_distance`, or if a bandwidth is not positive, or a kernel does not return one
        number for each pair of rows. A pair with a non-finite entry gives NaN.

    Examples
    --------
    >>> round(float(mmd([[0.0], [1.0]], [[100.0], [101.0]])), 3)
    0.89
    >>> dot = lambda u, v: u @ v.swapaxes(-1, -2)  # then MMD is the distance of the means
    >>> float(mmd([[0.0], [2.0]], [[3.0], [5.0]], kernel=dot))
    3.0
    """
    refuse_root(not squared, biased, "squared=True")
    widths = Widths.of(bandwidth, multiples, ("median", "truth"), kernel)
    least = (1, 1) if biased else (2, 2)
    if stays_in_torch(x, y, a, b):
        from activa_eval import gradients

        traced = gradients.paired(x, y, a, b, least=least)
        result: FloatArray = gradients.mmd(traced, widths, kernel, biased=biased, squared=squared)
        return result
    pairs = paired(x, y, a, b, least=least)
    terms = _gaussian_terms(pairs, widths) if kernel is None else _kernel_terms(pairs, kernel)
    across, first, second, own_first, own_second = terms.T
    square = over_pairs(first, pairs.a, biased, own_first) - 2.0 * across
    square += over_pairs(second, pairs.b, biased, own_second)
    square = np.maximum(square, 0.0) if biased else square
    return pairs.unflatten(square if squared else np.sqrt(square))


def gram(kernel: Kernel, x: FloatArray, y: FloatArray) -> FloatArray:
    """Ask a kernel for its values, (P, n, d) and (P, m, d) -> (P, n, m)."""
    values = to_float(kernel(x, y), "kernel(x, y)")
    expected = (len(x), x.shape[1], y.shape[1])
    if values.shape != expected:
        raise InputError(f"kernel(x, y) has shape {values.shape}; return {expected}")
    return values


def refuse_root(root: bool, biased: bool, instead: str) -> None:
    """Raise if the root of an unbiased estimate is asked for."""
    if root and not biased:
        raise InputError(f"the unbiased estimate may be negative and has no root; use {instead}")


def _gaussian_terms(pairs: Pairs, widths: Widths) -> FloatArray:
    """Mean kernel values (P, 5): across, within each, and on the diagonals, where they are 1."""
    scales = widths.read(pairs)  # (P, K)
    values = np.empty((3, *scales.shape))
    for where, some, widths_of_some in pairs_by_unit(pairs, scales):
        # a distance that overflows is infinite, and its kernel is rightly 0
        with np.errstate(over="ignore"):
            parts = mmd_terms(some.x, some.y, widths_of_some, some.a, some.b)
        for place, part in enumerate(parts):
            values[place][where] = part
    terms = np.concatenate([values.mean(axis=-1).T, np.ones((len(scales), 2))], axis=1)
    terms[(scales == 0.0).any(axis=1)] = 1.0  # all rows are equal: exactly, not up to rounding
    return terms


def _kernel_terms(pairs: Pairs, kernel: Kernel) -> FloatArray:
    """Mean values (P, 5) of a kernel: across, within each, and sum a^2 k(x, x) / sum a^2 of each."""
    terms = np.full((len(pairs.x), 5), np.nan)
    cells = (pairs.x.shape[1] + pairs.y.shape[1]) ** 2
    for where, *rows, a, b in pairs.blocks(cells):
        x, y = (part.astype(np.float64, copy=False) for part in rows)
        within = gram(kernel, x, x), gram(kernel, y, y)
        terms[where, 0] = _mean(gram(kernel, x, y), a, b)
        for column, (values, weights) in enumerate(zip(within, (a, b), strict=True)):
            own, diagonal = weights**2, values.diagonal(axis1=1, axis2=2)
            terms[where, 1 + column] = _mean(values, weights, weights)
            terms[where, 3 + column] = (own * diagonal).sum(axis=1) / own.sum(axis=1)
    return terms


def _mean(values: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    # einsum, not a BLAS product: the same bits for any number of threads
    return np.asarray(np.einsum("pi,pi->p", a, np.einsum("pij,pj->pi", values, b)))


def over_pairs(mean: Means, weights: Any, biased: bool, diagonal: Any = 0.0) -> Means:
    """Mean over all pairs of rows of one sample, or over different ones (unbiased).

    Of arrays or tensors: means (P,), weights (P, n) and means of the diagonal (P,).
    """
    if biased:
        return mean
    own = (weights * weights).sum(axis=1)
    unbiased: Means = (mean - diagonal * own) / (1.0 - own)
    return unbiased
