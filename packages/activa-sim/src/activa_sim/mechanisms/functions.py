"""What a cause does to its effect: the functions that a mechanism can be made of.

Each maps causes (S, rows) of about unit variance to unscaled terms (S, rows); `p`
(S, PARAMETERS) holds uniform numbers that fix what the family leaves open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

PARAMETERS = 9
REACH = 4.0  # in standard deviations of the cause


def _linear(x: FloatArray, _p: FloatArray) -> FloatArray:
    return x


def _quadratic(x: FloatArray, p: FloatArray) -> FloatArray:
    return (within_reach(x) - _between(p, 0, -1.5, 1.5)) ** 2


def _cubic(x: FloatArray, p: FloatArray) -> FloatArray:
    near = within_reach(x)
    return near + _between(p, 0, 0.05, 0.5) * near**3


def _tanh(x: FloatArray, p: FloatArray) -> FloatArray:
    return np.tanh(_between(p, 0, 0.7, 3.0) * (x - _between(p, 1, -1.0, 1.0)))


def _sine(x: FloatArray, p: FloatArray) -> FloatArray:
    return np.sin(_between(p, 0, 0.5, 2.5) * x + _between(p, 1, 0.0, 2.0 * np.pi))


def _softplus(x: FloatArray, p: FloatArray) -> FloatArray:
    return np.logaddexp(0.0, _between(p, 0, 1.0, 4.0) * (x - _between(p, 1, -1.0, 1.0)))


def _kink(x: FloatArray, p: FloatArray) -> FloatArray:
    """Two straight pieces that meet at a random place."""
    right = x - _between(p, 0, -1.0, 1.0)
    slope_left, slope_right = _between(p, 1, -1.0, 1.0), _between(p, 2, -1.0, 1.0)
    return np.where(right < 0.0, slope_left, slope_right) * right


def _fourier(x: FloatArray, p: FloatArray) -> FloatArray:
    """Three sine waves."""
    waves = (
        _between(p, 3 * k, -1.0, 1.0)
        * np.sin(_between(p, 3 * k + 1, 0.3, 2.0) * x + _between(p, 3 * k + 2, 0.0, 2.0 * np.pi))
        for k in range(3)
    )
    first, second, third = waves
    return first + second + third


def _between(p: FloatArray, k: int, low: float, high: float) -> FloatArray:
    return low + (high - low) * p[:, k, None]


def within_reach(x: FloatArray) -> FloatArray:
    """Cut causes at four standard deviations."""
    # held constant further out, where a power would turn one far row into the whole scale
    return np.clip(x, -REACH, REACH)


FUNCTIONS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "linear": _linear,
    "quadratic": _quadratic,
    "cubic": _cubic,
    "tanh": _tanh,
    "sine": _sine,
    "softplus": _softplus,
    "kink": _kink,
    "fourier": _fourier,
}
