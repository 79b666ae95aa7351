"""Likelihood and calibration of a predicted distribution on the true interventional rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import FloatArray, to_float, whole
from activa_eval.errors import InputError

LEVELS = (0.5, 0.8, 0.9, 0.95)


def nll(prediction: Any, rows: npt.ArrayLike) -> float:
    """Mean of -log p of true rows under a prediction: natural log, per row, free columns only.

    Parameters
    ----------
    prediction : object with `log_prob(rows) -> (n,)`
        The log density of the columns that the query leaves free.
    rows : array_like, shape (n, d)
        True interventional rows with all columns.

    Raises
    ------
    InputError
        If the prediction has no density or does not return one number a row.

    Examples
    --------
    >>> import numpy as np
    >>> from activa_eval import no_change
    >>> obs = np.array([[0.0, -1.0], [1.0, 0.0], [2.0, 1.0]])  # the second column: N(0, 1)
    >>> prediction = no_change(obs, np.array([True, False]), np.array([5.0, np.nan]), 0)
    >>> round(nll(prediction, [[5.0, 0.0], [5.0, 2.0]]), 3)  # log(2 pi) / 2 + mean of (0, 2)
    1.919
    """
    if not hasattr(prediction, "log_prob"):
        raise InputError("the prediction has no log_prob; score it by its samples instead")
    density = to_float(prediction.log_prob(rows), "log_prob(rows)")
    if density.shape != (len(to_float(rows, "rows")),):
        raise InputError(f"log_prob(rows) has shape {density.shape}; return one number a row")
    return float(-density.mean())


def pit(prediction: Any, rows: npt.ArrayLike, targets: npt.ArrayLike) -> FloatArray:
    """Probability integral transform: the predicted marginal distribution function at true rows.

    Uniform on (0, 1) in each column if the prediction is right.

    Parameters
    ----------
    prediction : object with `cdf(rows) -> (n, d)`
        The marginal distribution function of each column.
    rows : array_like, shape (n, d)
        True interventional rows with all columns.
    targets : array_like of bool, shape (d,)
        The columns that the query sets.

    Returns
    -------
    ndarray, shape (n, f)
        Of the f columns that are no targets: a point mass has no such transform.

    Raises
    ------
    InputError
        If the prediction has no marginals or does not return one number an entry.
    """
    if not hasattr(prediction, "cdf"):
        raise InputError("the prediction has no cdf; calibration cannot be read from it")
    truth = to_float(rows, "rows")
    values = to_float(prediction.cdf(rows), "cdf(rows)")
    if values.shape != truth.shape:
        raise InputError(f"cdf(rows) has shape {values.shape}; return {truth.shape}, as rows has")
    return values[:, ~np.asarray(targets, dtype=bool)]


def coverage(transform: npt.ArrayLike, levels: Sequence[float] = LEVELS) -> FloatArray:
    """Share of true rows inside the central marginal interval of each level.

    Parameters
    ----------
    transform : array_like
        What `pit` returned, of any shape.
    levels : sequence of float
        Probabilities of the intervals.

    Returns
    -------
    ndarray, shape (len(levels),)
        NaN if an entry is NaN or there is none.

    Examples
    --------
    >>> coverage([0.1, 0.4, 0.5, 0.96], levels=(0.5, 0.9))
    array([0.5 , 0.75])
    """
    values = to_float(transform, "transform").reshape(-1, 1)
    if values.size == 0 or np.isnan(values).any():
        return np.full(len(levels), np.nan)
    inside = np.abs(values - 0.5) <= np.asarray(levels) / 2
    share: FloatArray = inside.mean(axis=0)
    return share


def pit_histogram(transform: npt.ArrayLike, bins: int = 10) -> FloatArray:
    """Share of the transform in each of equal parts of (0, 1): 1 / bins if the prediction is right.

    High ends mean that predictions are too narrow, a high middle that they are too wide, a slope
    that they lie to one side.

    Parameters
    ----------
    transform : array_like
        What `pit` returned, of any shape.
    bins : int
        Number of parts.

    Returns
    -------
    ndarray, shape (bins,)
        NaN if an entry is NaN or there is none.

    Raises
    ------
    InputError
        If an entry is no probability, or bins < 1.

    Examples
    --------
    >>> pit_histogram([0.0, 0.1, 0.6, 1.0], bins=2)
    array([0.5, 0.5])
    """
    values, bins = to_float(transform, "transform").ravel(), whole(bins, "bins", 1)
    if values.size == 0 or np.isnan(values).any():
        return np.full(bins, np.nan)
    if values.min() < 0.0 or values.max() > 1.0:
        raise InputError("transform has entries outside of [0, 1]; give what `pit` returned")
    return np.histogram(values, bins, (0.0, 1.0))[0] / values.size
