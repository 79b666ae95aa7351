"""Scores that know the question: what must not move, and which way the rest goes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import (
    BoolArray,
    FloatArray,
    broadcast_batch,
    check_samples,
    first_tensor,
    like,
    to_float,
    weights_of,
)
from activa_eval.distances import energy_distance
from activa_eval.errors import InputError

MOVED = 0.2  # observed standard deviations: a mean that moves less does not count as moved


def descendants(targets: npt.ArrayLike, graphs: npt.ArrayLike) -> BoolArray:
    """Return the variables that setting some can move: those downstream that are not set as well.

    Parameters
    ----------
    targets : array_like of bool, shape (..., d)
        The variables that are set.
    graphs : array_like of bool, shape (..., d, d)
        graphs[..., i, j] for i -> j.

    Returns
    -------
    ndarray of bool, shape (..., d)

    Raises
    ------
    InputError
        If the shapes do not fit.

    Examples
    --------
    >>> chain = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    >>> descendants([False, True, False], chain)
    array([False, False,  True])
    """
    held, edges = _flags(targets, "targets"), _flags(graphs, "graphs")
    d = held.shape[-1] if held.ndim else 0
    if held.ndim < 1 or edges.ndim < 2 or edges.shape[-2:] != (d, d):
        raise InputError(
            f"targets {held.shape} and graphs {edges.shape} do not fit; give (..., d) and (..., d, d)"
        )
    batch = broadcast_batch(held.shape[:-1], edges.shape[:-2])
    moved: BoolArray = np.zeros((*batch, d), dtype=bool)
    for _ in range(d):
        moved = ((held | moved)[..., None] & edges).any(axis=-2) & ~held
    return moved


def non_descendant_error(
    x: npt.ArrayLike, y: npt.ArrayLike, targets: npt.ArrayLike, graphs: npt.ArrayLike
) -> FloatArray:
    """Energy distance of prediction and truth on the columns that the intervention cannot move.

    Parameters
    ----------
    x, y : array_like or torch.Tensor, shapes (..., n, d) and (..., m, d)
        Predicted and true rows.
    targets, graphs
        As for `descendants`; leading axes broadcast.

    Returns
    -------
    ndarray of float64, shape (...,)
        In the units of the data; NaN where every column is set or moved, and for a pair with a
        non-finite entry. A tensor, without gradients, if an input is one.

    Raises
    ------
    InputError
        As `energy_distance` and `descendants`.

    Examples
    --------
    >>> into = [[0, 0], [1, 0]]  # the second variable causes the first, which is set
    >>> float(non_descendant_error([[5.0, 1.0]], [[5.0, 3.0]], [True, False], into))
    4.0
    """
    first, second, held, moved = _checked(x, y, targets, graphs)
    still = ~(held | moved)  # (..., d)
    batch = broadcast_batch(first.shape[:-2], second.shape[:-2], still.shape[:-1])
    left, right, masks = (
        np.broadcast_to(part, (*batch, *part.shape[-own:])).reshape(-1, *part.shape[-own:])
        for part, own in ((first, 2), (second, 2), (still, 1))
    )
    error = np.full(len(masks), np.nan)
    usable = np.isfinite(left).all(axis=(1, 2)) & np.isfinite(right).all(axis=(1, 2))
    for mask in np.unique(masks, axis=0):
        where = np.flatnonzero((masks == mask).all(axis=1) & usable)
        if mask.any():
            error[where] = energy_distance(left[where][..., mask], right[where][..., mask])
    return like(first_tensor(x, y), error.reshape(batch))


def side_probability(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    obs: npt.ArrayLike,
    targets: npt.ArrayLike,
    *,
    a: npt.ArrayLike | None = None,
    graphs: npt.ArrayLike | None = None,
    threshold: float = MOVED,
) -> FloatArray:
    """Predicted probability that a variable moves in the direction in which it truly moves.

    It moves where it ends more than `threshold` observed standard deviations from the observed mean.

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (..., n, d)
        The predicted interventional means of n hypotheses, of weights `a`; rows of the prediction
        where it has no such means.
    y : array_like or torch.Tensor, shape (..., m, d)
        True interventional rows; their mean counts.
    obs : array_like or torch.Tensor, shape (..., N, d)
        Observed rows, at least two.
    targets : array_like of bool, shape (..., d)
        The variables that are set, which are left out.
    a : array_like, shape (..., n), optional
        Weights with sum one; equal if left out.
    graphs : array_like of bool, shape (..., d, d), optional
        Where known, only descendants count: the mean of few true rows moves by chance.
    threshold : float
        At least 0.

    Returns
    -------
    ndarray of float64, shape (...,)
        Mean over the variables that truly move; NaN where none does, and for non-finite entries.
        A tensor, without gradients, if `x` or `y` is one.

    Raises
    ------
    InputError
        As `energy_distance`, or if the shapes do not fit.

    Examples
    --------
    >>> obs = [[0.0, -1.0], [0.0, 1.0]]  # the second variable truly rises when the first is set
    >>> float(side_probability([[9.0, 3.0], [9.0, 0.1]], [[9.0, 3.0]], obs, [True, False]))
    0.5
    """
    if not 0.0 <= threshold < np.inf:
        raise InputError(
            f"threshold is {threshold}; give a number of standard deviations, 0 or more"
        )
    first, second, held, moved = _checked(x, y, targets, graphs)
    before = to_float(obs, "obs")
    if before.ndim < 2 or before.shape[-2] < 2 or before.shape[-1] != held.shape[-1]:
        raise InputError(f"obs has shape {before.shape}; give at least 2 rows of the same columns")
    weights = weights_of(a, first.shape[-2], "a", "x", 1)
    broadcast_batch(
        *(part.shape[:-2] for part in (first, second, before)),
        *(part.shape[:-1] for part in (held, moved, weights)),
    )
    with np.errstate(invalid="ignore"):  # infinite entries, of which NaN comes
        centre, least = before.mean(axis=-2), threshold * before.std(axis=-2, ddof=1)
        shift = second.mean(axis=-2) - centre  # (..., d)
        counts = (np.abs(shift) > least) & moved & ~held
        beyond = (first - centre[..., None, :]) * np.sign(shift)[..., None, :] > least[..., None, :]
        right = (weights[..., None] * beyond).sum(axis=-2)
        total = np.where(counts, right, 0.0).sum(axis=-1) / counts.sum(axis=-1)
    known = [np.isfinite(part).all(axis=(-1, -2)) for part in (first, second, before)]
    usable = known[0] & known[1] & known[2] & np.isfinite(weights).all(axis=-1)
    return like(first_tensor(x, y), np.where(usable, total, np.nan))


def _checked(
    x: npt.ArrayLike, y: npt.ArrayLike, targets: npt.ArrayLike, graphs: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, BoolArray, BoolArray]:
    """Return both samples, the targets, and what they can move: all else where graphs are unknown."""
    first, second = to_float(x, "x"), to_float(y, "y")
    check_samples(first.shape, second.shape)
    held = _flags(targets, "targets")
    if held.ndim < 1 or held.shape[-1] != first.shape[-1]:
        raise InputError(
            f"targets has shape {held.shape}; give one for each of {first.shape[-1]} columns"
        )
    return first, second, held, ~held if graphs is None else descendants(held, graphs)


def _flags(value: npt.ArrayLike, name: str) -> BoolArray:
    numbers = to_float(value, name)
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise InputError(f"{name} holds other values than true and false; give booleans")
    return numbers.astype(bool)
