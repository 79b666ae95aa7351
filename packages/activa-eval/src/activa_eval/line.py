"""Optimal transport on a line, which is monotone: sorting solves it."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import FloatArray, IntArray

Steps: TypeAlias = FloatArray | npt.NDArray[np.int64]


def line_distance(
    x: FloatArray, y: FloatArray, a: FloatArray, b: FloatArray, p: float
) -> FloatArray:
    """W_p of points on a line, (..., n) and (..., m), with weights of the same shapes -> (...,)."""
    n, m = x.shape[-1], y.shape[-1]
    if n == m and _are_even(a) and _are_even(b):
        gaps, widths = np.abs(np.sort(x, axis=-1) - np.sort(y, axis=-1)), np.full(n, 1.0 / n)
    else:
        at_x, at_y, widths = monotone_plan(x, y, a, b)
        gaps = np.abs(np.take_along_axis(x, at_x, -1) - np.take_along_axis(y, at_y, -1))
    if p == 1.0:
        return np.asarray((widths * gaps).sum(axis=-1))
    # relative to the largest gap that carries mass, whose power cannot vanish
    gaps = np.where(widths > 0.0, gaps, 0.0)
    top = gaps.max(axis=-1)
    powers = (gaps / np.where(top > 0.0, top, 1.0)[..., None]) ** p
    return np.asarray(top * (widths * powers).sum(axis=-1) ** (1.0 / p))


def line_plan(x: FloatArray, y: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the plans of P pairs of samples on a line, (P, n) and (P, m) -> (P, n, m)."""
    at_x, at_y, widths = monotone_plan(x, y, a, b)
    plans = np.zeros((len(x), x.shape[-1], y.shape[-1]))
    np.add.at(plans, (np.arange(len(x))[:, None], at_x, at_y), widths)
    return plans


def monotone_plan(
    x: FloatArray, y: FloatArray, a: FloatArray, b: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Merge two quantile functions: mass `widths` goes from row `at_x` to row `at_y`.

    All are (..., n + m), in ascending order; some widths are zero.
    """
    n, m = x.shape[-1], y.shape[-1]
    by_x, by_y = (np.argsort(part, axis=-1, kind="stable") for part in (x, y))
    if _are_even(a) and _are_even(b):
        shape = (*x.shape[:-1], n + m)
        to_x, to_y, equal = _merge_even(n, m)
        at_x, at_y = np.broadcast_to(to_x, shape), np.broadcast_to(to_y, shape)
        widths = np.broadcast_to(equal, shape)
    else:
        masses = np.take_along_axis(a, by_x, -1), np.take_along_axis(b, by_y, -1)
        at_x, at_y, widths = _merge(masses[0].cumsum(axis=-1), masses[1].cumsum(axis=-1))
        # a step of rounding would carry mass over a whole gap, and a p-th root would magnify it
        widths = np.where(widths < _rounding_of(n + m), 0.0, widths)
    return np.take_along_axis(by_x, at_x, -1), np.take_along_axis(by_y, at_y, -1), widths


def _merge_even(n: int, m: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Merge the steps i / n and j / m, exactly: as the whole numbers i m and j n."""
    at_x, at_y, widths = _merge(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    return at_x, at_y, widths / (n * m)


def _rounding_of(rows: int) -> float:
    """Return how far a cumulative sum of so many weights may be off."""
    return float(4.0 * np.finfo(np.float64).eps * math.sqrt(rows))


def _are_even(weights: FloatArray) -> bool:
    return bool((weights == 1.0 / weights.shape[-1]).all())


def _merge(ends_x: Steps, ends_y: Steps) -> tuple[IntArray, IntArray, FloatArray]:
    """Return, between any two of (..., n) and (..., m) ascending steps, the next of either kind."""
    n, m = ends_x.shape[-1], ends_y.shape[-1]
    steps = np.concatenate([ends_x, ends_y], axis=-1)  # (..., n + m)
    order = np.argsort(steps, axis=-1, kind="stable")
    from_x = order < n
    at_x = np.minimum(from_x.cumsum(axis=-1) - from_x, n - 1)
    at_y = np.minimum((~from_x).cumsum(axis=-1) - ~from_x, m - 1)
    return at_x, at_y, np.diff(np.take_along_axis(steps, order, -1), axis=-1, prepend=0)
