"""All distances between the rows of two samples, where something needs each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import FloatArray


def distances_between(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> FloatArray:
    """Return the Euclidean distances of all rows, (P, n, d) and (P, m, d) -> (P, n, m)."""
    total = np.zeros((len(x), x.shape[1], y.shape[1]))
    for column in range(x.shape[2]):  # differences first: |x|^2 + |y|^2 - 2xy loses close rows
        left, right = (part[..., column].astype(np.float64) for part in (x, y))
        total += (left[:, :, None] - right[:, None, :]) ** 2
    return np.sqrt(total, out=total)
