"""What all rows of two samples have between them: distances, kernel values, their scale."""

from __future__ import annotations

import numpy as np

from activa_eval.arrays import FloatArray


def distances_between(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the Euclidean distances of all rows, (P, n, d) and (P, m, d) -> (P, n, m)."""
    total = np.zeros((len(x), x.shape[1], y.shape[1]))
    for column in range(x.shape[2]):  # differences first: |x|^2 + |y|^2 - 2xy loses close rows
        total += (x[:, :, None, column] - y[:, None, :, column]) ** 2
    return np.sqrt(total, out=total)


def upper(distances: FloatArray) -> FloatArray:
    """Return the entries above the diagonal, (P, n, n) -> (P, n (n - 1) / 2)."""
    rows, columns = np.triu_indices(distances.shape[-1], k=1)
    return distances[:, rows, columns]


def median_bandwidth(distances: FloatArray) -> FloatArray:
    """Return the median, else the mean of the positive distances, else 0; (P, k) -> (P,)."""
    if distances.shape[1] == 0:
        return np.zeros(len(distances))
    positive = np.maximum(np.count_nonzero(distances, axis=1), 1)
    median = np.median(distances, axis=1)
    return np.where(median > 0.0, median, distances.sum(axis=1) / positive)


def gaussian_kernel(distances: FloatArray, bandwidth: FloatArray) -> FloatArray:
    """exp(-r^2 / (2 s^2)) of (P, n, m) distances; a bandwidth of zero stands for equal rows."""
    scale = np.where(bandwidth > 0.0, bandwidth, 1.0)[:, None, None]
    with np.errstate(over="ignore"):  # a far row at a tiny bandwidth: the kernel is exactly 0
        return np.asarray(np.exp(-0.5 * (distances / scale) ** 2))
