"""Distances between two samples: energy distance, MMD, Wasserstein, sliced Wasserstein."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from activa_kernels.distances import transport_cost

from activa_eval.arrays import FloatArray, Pairs, paired
from activa_eval.errors import InputError
from activa_eval.pairwise import distances_between, gaussian_kernel, median_bandwidth, upper

Measure = Callable[[FloatArray, FloatArray, FloatArray, FloatArray], FloatArray]


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

    Parameters
    ----------
    x, y : array_like or torch.Tensor, shapes (..., n, d) and (..., m, d)
        Samples in the same units, batched over the leading axes, summed in float64.
    a, b : array_like, shapes (..., n) and (..., m), optional
        Weights with sum one; equal if left out.
    biased : bool
        The V-statistic (never negative). False gives the U-statistic, which may be negative.
    sqrt : bool
        The square root, which is a metric (`scipy.stats.energy_distance`).

    Returns
    -------
    ndarray, shape (...,)
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
    _refuse_root(sqrt, biased, "sqrt=False")

    def measure(x: FloatArray, y: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
        within = _within(distances_between(x, x), a, biased, diagonal=0.0)
        within += _within(distances_between(y, y), b, biased, diagonal=0.0)
        energy = 2.0 * _across(distances_between(x, y), a, b) - within
        energy = energy.clip(min=0.0) if biased else energy
        return np.sqrt(energy) if sqrt else energy

    return _map(measure, paired(x, y, a, b, least=1 if biased else 2))


def mmd(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    bandwidth: str | float = "median",
    biased: bool = True,
    squared: bool = False,
) -> FloatArray:
    """Maximum mean discrepancy with the kernel exp(-r^2 / (2 s^2)) (Gretton et al., 2012).

    Parameters
    ----------
    x, y : array_like or torch.Tensor, shapes (..., n, d) and (..., m, d)
        Samples in the same units, batched over the leading axes, summed in float64.
    a, b : array_like, shapes (..., n) and (..., m), optional
        Weights with sum one; equal if left out.
    bandwidth : {"median", "truth"} or float
        s: the median distance over all pairs of the pooled rows, over the pairs of `y` only, or a
        number in the units of the data. A median of zero is replaced by the mean of the positive
        distances.
    biased : bool
        The V-statistic, diagonal included. False drops the diagonal; then only the square exists.
    squared : bool
        MMD^2 in place of its root.

    Returns
    -------
    ndarray, shape (...,)
        Without unit, at most sqrt(2). A tensor if an input is one.

    Raises
    ------
    InputError
        As `energy_distance`, or if the bandwidth is not positive. A pair with a non-finite entry
        gives NaN.

    Examples
    --------
    >>> round(float(mmd([[0.0], [1.0]], [[100.0], [101.0]])), 3)
    0.89
    """
    _refuse_root(not squared, biased, "squared=True")
    if isinstance(bandwidth, str):
        if bandwidth not in ("median", "truth"):
            raise InputError(
                f'bandwidth "{bandwidth}" is unknown; use "median", "truth" or a number'
            )
    elif not 0.0 < bandwidth < np.inf:
        raise InputError(f"bandwidth {bandwidth} is not a positive number; give one, or 'median'")

    def measure(x: FloatArray, y: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
        xx, yy, xy = distances_between(x, x), distances_between(y, y), distances_between(x, y)
        pooled = np.concatenate([upper(xx), upper(yy), xy.reshape(len(xy), -1)], axis=1)
        if isinstance(bandwidth, str):
            scale = median_bandwidth(pooled if bandwidth == "median" else upper(yy))
            scale = np.where(scale > 0.0, scale, median_bandwidth(pooled))
        else:
            scale = np.full(len(x), float(bandwidth))
        within = _within(gaussian_kernel(xx, scale), a, biased, diagonal=1.0)
        within += _within(gaussian_kernel(yy, scale), b, biased, diagonal=1.0)
        square = within - 2.0 * _across(gaussian_kernel(xy, scale), a, b)
        square[~pooled.any(axis=1)] = 0.0  # all rows equal: no scale to compare them on
        return square if squared and not biased else _root(square, squared)

    return _map(measure, paired(x, y, a, b, least=1 if biased else 2))


def wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    p: float = 1.0,
) -> FloatArray:
    """Exact Wasserstein distance (min_P sum P_ij r_ij^p)^(1/p) with Euclidean ground distance r.

    One column is solved by merging quantiles, more by an exact transport solver. Never entropic.

    Parameters
    ----------
    x, y : array_like or torch.Tensor, shapes (..., n, d) and (..., m, d)
        Samples in the same units, batched over the leading axes.
    a, b : array_like, shapes (..., n) and (..., m), optional
        Weights with sum one; equal if left out.
    p : float
        Order, at least 1.

    Returns
    -------
    ndarray, shape (...,)
        In the units of the data; zero for equal samples. A tensor if an input is one.

    Raises
    ------
    InputError
        As `energy_distance`, or if p < 1. A pair with a non-finite entry gives NaN.
    RuntimeError
        If the exact solver does not finish, or none is installed.

    Examples
    --------
    >>> float(wasserstein([[0.0], [2.0]], [[1.0], [5.0]]))
    2.0
    """
    _check_order(p)

    def measure(x: FloatArray, y: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
        if x.shape[-1] == 1:
            return np.asarray(_on_the_line(x[..., 0], y[..., 0], a, b, p) ** (1.0 / p))
        return np.asarray(transport_cost(distances_between(x, y) ** p, a, b) ** (1.0 / p))

    return _map(measure, paired(x, y, a, b))


def sliced_wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    p: float = 1.0,
    n_projections: int = 256,
    seed: int = 0,
) -> FloatArray:
    """Root mean W_p^p of the samples projected on random directions, the same for all pairs.

    Parameters and errors as `wasserstein`; `seed` draws the `n_projections` directions.

    Examples
    --------
    >>> float(sliced_wasserstein([[0.0]], [[3.0]], n_projections=7))
    3.0
    """
    _check_order(p)
    if n_projections < 1:
        raise InputError(f"n_projections is {n_projections}; give at least 1")
    pairs = paired(x, y, a, b)
    directions = np.random.default_rng(seed).standard_normal((n_projections, pairs.x.shape[-1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)

    def measure(x: FloatArray, y: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
        total = np.zeros(len(x))
        for direction in directions:
            total += _on_the_line((x * direction).sum(-1), (y * direction).sum(-1), a, b, p)
        return np.asarray((total / n_projections) ** (1.0 / p))

    return _map(measure, pairs)


def _within(gram: FloatArray, a: FloatArray, biased: bool, *, diagonal: float) -> FloatArray:
    """a'Ga, or without its diagonal and divided by 1 - sum a^2 (unbiased)."""
    full = _across(gram, a, a)
    if biased:
        return full
    own = (a * a).sum(axis=1)
    return np.asarray((full - diagonal * own) / (1.0 - own))


def _across(gram: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    # einsum, not a BLAS product: the same bits for any number of threads
    return np.asarray(np.einsum("pi,pi->p", a, np.einsum("pij,pj->pi", gram, b)))


def _root(square: FloatArray, squared: bool) -> FloatArray:
    clipped = square.clip(min=0.0)
    return clipped if squared else np.sqrt(clipped)


def _on_the_line(
    x: FloatArray, y: FloatArray, a: FloatArray, b: FloatArray, p: float
) -> FloatArray:
    """W_p^p of weighted points on a line by merging their quantile functions, (P, n) -> (P,)."""
    x, a = _sorted(x, a)
    y, b = _sorted(y, b)
    steps = np.concatenate([a.cumsum(axis=1), b.cumsum(axis=1)], axis=1)  # (P, n + m)
    order = np.argsort(steps, axis=1, kind="stable")
    from_x = order < x.shape[1]
    # between two steps each quantile function stays at the row whose step comes next
    at_x = np.minimum(from_x.cumsum(axis=1) - from_x, x.shape[1] - 1)
    at_y = np.minimum((~from_x).cumsum(axis=1) - ~from_x, y.shape[1] - 1)
    gaps = np.abs(np.take_along_axis(x, at_x, 1) - np.take_along_axis(y, at_y, 1)) ** p
    widths = np.diff(np.take_along_axis(steps, order, 1), axis=1, prepend=0.0)
    return np.asarray((widths * gaps).sum(axis=1))


def _sorted(points: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    order = np.argsort(points, axis=1, kind="stable")
    return np.take_along_axis(points, order, 1), np.take_along_axis(weights, order, 1)


def _map(measure: Measure, pairs: Pairs) -> FloatArray:
    values = np.full(len(pairs.x), np.nan)
    for where, *block in pairs.blocks():
        values[where] = measure(*block)
    return pairs.unflatten(values)


def _refuse_root(root: bool, biased: bool, instead: str) -> None:
    if root and not biased:
        raise InputError(f"the unbiased estimate may be negative and has no root; use {instead}")


def _check_order(p: float) -> None:
    if not 1.0 <= p < np.inf:
        raise InputError(f"p is {p}; give an order of at least 1")
