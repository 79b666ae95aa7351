"""Scaling by moments over leading rows that are drawn for nothing else.

So a model does not depend on the number of rows asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


def check_calibration(rows: int) -> None:
    """Raise unless there are rows enough to have a spread."""
    if rows < 2:
        raise InputError(f"calibration is {rows}; give at least 2 rows")


def standardised(rows: FloatArray, calibration: int) -> FloatArray:
    """Give zero mean and unit variance over the calibration rows; rows are the last axis."""
    seen = rows[..., :calibration]
    mean, sd = seen.mean(axis=-1, keepdims=True), seen.std(axis=-1, keepdims=True)
    return np.asarray((rows - mean) / np.where(sd > 0.0, sd, 1.0))


def blended(signal: FloatArray, noise: FloatArray, r2: FloatArray, calibration: int) -> FloatArray:
    """Give sqrt(R2) signal + sqrt(1 - R2) noise, the signal standardised; R2 (M,) of 0 is noise."""
    caused = np.nonzero(r2)[0]
    value, share = noise.copy(), r2[caused, None]
    scaled = standardised(signal[caused], calibration)
    value[caused] = np.sqrt(share) * scaled + np.sqrt(1.0 - share) * noise[caused]
    return value
