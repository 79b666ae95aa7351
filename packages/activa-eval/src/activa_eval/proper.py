"""Proper scores of a predicted sample at true rows: least, on average, for the right law."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from activa_kernels.distances import energy_terms

from activa_eval.arrays import FloatArray, IntArray, paired
from activa_eval.pairwise import distances_between


def crps(
    x: npt.ArrayLike, y: npt.ArrayLike, *, a: npt.ArrayLike | None = None, biased: bool = True
) -> FloatArray:
    """Continuous ranked probability score E|X - y| - E|X - X'| / 2 of each column (Gneiting, 2007).

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (..., n, d)
        The predicted sample.
    y : array_like or torch.Tensor, shape (..., m, d)
        The true rows, in the same units.
    a : array_like, shape (..., n), optional
        Weights of the predicted rows with sum one; equal if left out.
    biased : bool
        Score the empirical law of `x`. False scores the law that it was drawn from: X and X' are
        then never the same row.

    Returns
    -------
    ndarray of float64, shape (..., m, d)
        In the units of the data. A tensor, without gradients, if an input is one.

    Raises
    ------
    InputError
        As `energy_distance`. A pair with a non-finite entry gives NaN throughout.

    Examples
    --------
    >>> crps([[0.0], [2.0]], [[0.0], [1.0], [4.0]])
    array([[0.5],
           [0.5],
           [2.5]])
    """
    pairs, unit = paired(x, y, a, least=(1 if biased else 2, 1)).scaled()
    m, d = pairs.y.shape[1:]
    scores = np.full((len(pairs.x), m, d), np.nan)
    for where, rows, truth, weights, _ in pairs.blocks(pairs.x.shape[1] + m):
        for column in range(d):
            left, right = (part[..., column].astype(np.float64) for part in (rows, truth))
            scores[where, :, column] = _crps(left, right, weights, biased)
    return pairs.unflatten(scores * unit[:, None, None])


def energy_score(
    x: npt.ArrayLike, y: npt.ArrayLike, *, a: npt.ArrayLike | None = None, biased: bool = True
) -> FloatArray:
    """Energy score E|X - y| - E|X - X'| / 2 with Euclidean norms: CRPS for whole rows.

    Its mean over the true rows is half of `energy_distance`, but for what no prediction can change.

    Parameters and errors as `crps`.

    Returns
    -------
    ndarray of float64, shape (..., m)
        In the units of the data. A tensor, without gradients, if an input is one.

    Examples
    --------
    >>> energy_score([[3.0, 4.0]], [[0.0, 0.0], [3.0, 0.0]])
    array([5., 4.])
    """
    pairs, unit = paired(x, y, a, least=(1 if biased else 2, 1)).scaled()
    n, m = pairs.x.shape[1], pairs.y.shape[1]
    scores = np.full((len(pairs.x), m), np.nan)
    for where, rows, truth, weights, _ in pairs.blocks(n * m):
        spread = energy_terms(rows, rows, weights, weights).between
        if not biased:
            spread = spread / (1.0 - (weights**2).sum(axis=1))
        reach = np.einsum("pi,pij->pj", weights, distances_between(rows, truth))
        scores[where] = reach - spread[:, None] / 2.0
    return pairs.unflatten(scores * unit[:, None])


def _crps(x: FloatArray, y: FloatArray, a: FloatArray, biased: bool) -> FloatArray:
    """CRPS of points (P, n) of weights (P, n) at (P, m).

    It is the integral of F^2 below y and of (1 - F)^2 above, a sum without differences.
    """
    order = np.argsort(x, axis=1, kind="stable")
    x, level = (np.take_along_axis(part, order, 1) for part in (x, a))
    level = level.cumsum(axis=1)[:, :-1].clip(max=1.0)  # F between two points (P, n - 1)
    gaps = np.diff(x, axis=1)
    nothing = np.zeros((len(x), 1))
    below = np.concatenate([nothing, (level**2 * gaps).cumsum(axis=1)], axis=1)  # up to each point
    rest = ((1.0 - level) ** 2 * gaps)[:, ::-1].cumsum(axis=1)[:, ::-1]
    above = np.concatenate([rest, nothing], axis=1)  # from each point on
    rank = _count_below(x, y)  # (P, m): how many points are at most y
    last, following = (rank - 1).clip(min=0), rank.clip(max=x.shape[1] - 1)
    here = np.concatenate([nothing, level, nothing + 1.0], axis=1)  # F at y, by rank
    here = np.take_along_axis(here, rank, 1)
    at_last, at_next = np.take_along_axis(x, last, 1), np.take_along_axis(x, following, 1)
    # between two points both partial gaps count; outside all of them only the way to the nearest
    score = np.take_along_axis(below, last, 1) + np.take_along_axis(above, following, 1)
    score += here**2 * (y - at_last).clip(min=0.0) + (1.0 - here) ** 2 * (at_next - y).clip(min=0.0)
    if not biased:
        spread = 2.0 * (level * (1.0 - level) * gaps).sum(axis=1)
        own = (a * a).sum(axis=1)
        score -= (spread * own / (1.0 - own) / 2.0)[:, None]
    return np.asarray(score)


def _count_below(x: FloatArray, y: FloatArray) -> IntArray:
    """How many of (P, n) ascending points are at most each of (P, m)."""
    order = np.argsort(np.concatenate([x, y], axis=1), axis=1, kind="stable")
    counts = (order < x.shape[1]).cumsum(axis=1)
    placed: IntArray = np.empty(order.shape, dtype=np.intp)
    np.put_along_axis(placed, order, counts, 1)
    return placed[:, x.shape[1] :]
