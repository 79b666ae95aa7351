"""The Wasserstein distance: exact optimal transport between two samples, and its plan."""

from __future__ import annotations

from typing import Literal, NamedTuple, overload

import numpy as np
import numpy.typing as npt
from activa_kernels.distances import transport_plan, wasserstein_power

from activa_eval.arrays import FloatArray, Pairs, Rows, paired, place, stays_in_torch
from activa_eval.errors import InputError
from activa_eval.line import line_distance, line_plan
from activa_eval.pairwise import distances_between

VANISHED = 1e-200  # a sum of p-th powers below this may have lost terms to underflow


class Transport(NamedTuple):
    """A Wasserstein distance and a plan that attains it."""

    distance: FloatArray  # (...,)
    plan: FloatArray  # (..., n, m): mass moved from each row of x to each row of y


@overload
def wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    a: npt.ArrayLike | None = ...,
    b: npt.ArrayLike | None = ...,
    p: float = ...,
    plan: Literal[False] = ...,
) -> FloatArray: ...


@overload
def wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    a: npt.ArrayLike | None = ...,
    b: npt.ArrayLike | None = ...,
    p: float = ...,
    plan: Literal[True],
) -> Transport: ...


def wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    p: float = 1.0,
    plan: bool = False,
) -> FloatArray | Transport:
    """Exact Wasserstein distance (min_P sum P_ij r_ij^p)^(1/p) with Euclidean ground distance r.

    One column is solved by merging quantiles, more by an exact transport solver, which takes n x m
    costs and, for some thousand rows, minutes; `sliced_wasserstein` is for more. Never entropic.

    Parameters
    ----------
    x, y : array_like or torch.Tensor, shapes (..., n, d) and (..., m, d)
        Samples in the same units, batched over the leading axes. Gradients flow to tensors that
        require them, at the optimal plan.
    a, b : array_like, shapes (..., n) and (..., m), optional
        Weights with sum one; equal if left out.
    p : float
        Order, at least 1.
    plan : bool
        Return the plan as well.

    Returns
    -------
    ndarray of float64, shape (...,)
        In the units of the data; zero for equal samples. A tensor if an input is one. With `plan`, a
        `Transport` of it and of plans (..., n, m), whose rows sum to `a` and columns to `b`.

    Raises
    ------
    InputError
        As `energy_distance`, or if p < 1 or so large that the powers leave float64. A pair with a
        non-finite entry gives NaN.
    RuntimeError
        If the exact solver does not finish, or none is installed.

    Examples
    --------
    >>> float(wasserstein([[0.0], [2.0]], [[1.0], [5.0]]))
    2.0
    >>> wasserstein([[0.0], [2.0]], [[5.0], [1.0]], plan=True).plan
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    check_order(p)
    if stays_in_torch(x, y, a, b):
        from activa_eval import gradients

        traced = gradients.wasserstein(gradients.paired(x, y, a, b), p)
        return traced if plan else traced.distance
    pairs, unit = paired(x, y, a, b).scaled(always=p != 1.0)
    if not plan:
        return pairs.unflatten(_distance(pairs, p) * unit)
    moved, plans = _with_plan(pairs, p)
    return Transport(pairs.unflatten(moved * unit), pairs.unflatten(plans))


def check_order(p: float) -> None:
    """Raise if there is no such order of a Wasserstein distance."""
    if not 1.0 <= p < np.inf:
        raise InputError(f"p is {p}; give an order of at least 1")


def _distance(pairs: Pairs, p: float) -> FloatArray:
    if pairs.x.shape[-1] == 1:
        return pairs.map(
            lambda x, y, a, b: line_distance(_points(x), _points(y), a, b, p),
            cells=pairs.x.shape[1] + pairs.y.shape[1],
        )
    power = wasserstein_power(pairs.x, pairs.y, pairs.a, pairs.b, p=p)
    if p != 1.0:
        _refuse_lost_powers(power, pairs, p)
    return np.asarray(power ** (1.0 / p))


def _with_plan(pairs: Pairs, p: float) -> tuple[FloatArray, FloatArray]:
    n, m = pairs.x.shape[1], pairs.y.shape[1]
    power, plans = np.full(len(pairs.x), np.nan), np.full((len(pairs.x), n, m), np.nan)
    for where, x, y, a, b in pairs.blocks(n * m):
        costs = distances_between(x, y) ** p
        if x.shape[-1] == 1:
            plans[where] = line_plan(_points(x), _points(y), a, b)
        else:
            plans[where] = transport_plan(costs, a, b)
        power[where] = (plans[where] * costs).sum(axis=(1, 2))
    if p != 1.0:
        _refuse_lost_powers(power, pairs, p)
    return np.asarray(power ** (1.0 / p)), plans


def _points(rows: Rows) -> FloatArray:
    return rows[..., 0].astype(np.float64, copy=False)


def _refuse_lost_powers(power: FloatArray, pairs: Pairs, p: float) -> None:
    """Raise if r^p over- or underflowed: the least sum of what is left is no distance."""
    known = pairs.finite()
    lost = known & ~np.isfinite(power)
    small = np.flatnonzero(known & (power < VANISHED))
    lost[small] = wasserstein_power(*(v[small] for v in (pairs.x, pairs.y, pairs.a, pairs.b))) > 0.0
    if lost.any():
        where = place(lost.reshape(pairs.batch))
        raise InputError(f"r^p leaves float64 for p = {p}{where}; give a smaller order")
