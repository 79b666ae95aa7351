"""Whether a score that data show rises along the causal order: variances, or shares explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

TIE = 1e-9  # scores whose ratio is so near to 1 count as half sorted


def sortability(scores: FloatArray, graphs: BoolArray) -> FloatArray:
    """Share of directed paths along which a score rises from the first to the last variable.

    Paths of one length between two variables count once (Reisach, Seiler & Weichwald, 2021): 1
    means that sorting by the score finds the causal order, 0 the reverse order, 1/2 nothing.

    Parameters
    ----------
    scores : ndarray, shape (M, d)
        Not negative.
    graphs : ndarray of bool, shape (M, d, d)
        graphs[m, i, j] says i -> j.

    Returns
    -------
    ndarray, shape (M,)
        NaN where there is no edge.

    Examples
    --------
    >>> chain = np.eye(3, k=1, dtype=np.bool_)[None]
    >>> sortability(np.array([[1.0, 2.0, 1.5]]), chain)  # 0 -> 1 and 0 -> 2 rise, 1 -> 2 falls
    array([0.66666667])
    """
    low, high = scores[:, :, None], scores[:, None, :]
    rises = np.where(np.abs(high - low) <= TIE * np.maximum(low, high), 0.5, high > low)
    paths, found, sorted_ = graphs.copy(), np.zeros(len(graphs)), np.zeros(len(graphs))
    for _ in range(graphs.shape[-1] - 1):
        found += paths.sum(axis=(1, 2))
        sorted_ += (paths * rises).sum(axis=(1, 2))
        paths = np.asarray((paths[:, :, :, None] & graphs[:, None]).any(axis=2))
    shares: FloatArray = np.full(len(graphs), np.nan)
    return np.divide(sorted_, found, out=shares, where=found > 0)


def explained_shares(rows: FloatArray) -> FloatArray:
    """R2 of each column's regression on all others, rows (M, N, d) give (M, d).

    NaN where there are no more rows than columns, or where a column is constant.
    """
    M, N, d = rows.shape
    centred = rows - rows.mean(axis=1, keepdims=True)
    sd = np.sqrt((centred * centred).mean(axis=1, keepdims=True))
    usable = (sd > 0.0).all(axis=(1, 2)) & (d < N)
    z = centred[usable] / sd[usable]
    shares = np.full((M, d), np.nan)
    # a ridge of rounding size, so that columns that repeat each other get 1 and no error
    correlation = z.swapaxes(1, 2) @ z / N + 1e-12 * np.eye(d)
    precision = np.diagonal(np.linalg.inv(correlation), axis1=1, axis2=2)
    shares[usable] = np.clip(1.0 - 1.0 / precision, 0.0, 1.0)
    return shares
