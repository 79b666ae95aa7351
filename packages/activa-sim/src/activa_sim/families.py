"""Families of noise with zero mean and unit variance.

Each draws n numbers a stream: streams (S, R) give (S, R, n); `shape` (S, 3) holds uniform
numbers that fix what the family leaves open, the same in all regimes of a variable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


def _gaussian(streams: Streams, n: int, _shape: FloatArray) -> FloatArray:
    return streams.normal(n)


def _uniform(streams: Streams, n: int, _shape: FloatArray) -> FloatArray:
    return sqrt(12.0) * (streams.uniform(n) - 0.5)


def _laplace(streams: Streams, n: int, _shape: FloatArray) -> FloatArray:
    centred = streams.uniform(n) - 0.5
    return -np.sign(centred) * np.log1p(-2.0 * np.abs(centred)) / sqrt(2.0)


def _student_t(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """Bailey's (1994) polar method, 4 to 10 degrees of freedom."""
    df = (4.0 + 6.0 * shape[:, 0])[:, None, None]
    pairs = streams.uniform(2 * n).reshape(*streams.shape, n, 2)
    radius = np.sqrt(df * (pairs[..., 0] ** (-2.0 / df) - 1.0))
    t = radius * np.cos(2.0 * np.pi * pairs[..., 1])
    return t * np.sqrt((df - 2.0) / df)


def _beta(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """Beta with both parameters from 0.5 to 4."""
    a, b = (0.5 + 3.5 * shape[:, k, None] for k in (0, 1))  # (S, 1)
    mean = (a / (a + b))[..., None]
    sd = np.sqrt(a * b / (a + b + 1.0))[..., None] / (a + b)[..., None]
    return (streams.beta(a, b, n) - mean) / sd


def _gamma(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """Gamma with concentration 1 (exponential) to 4, skewed to either side."""
    concentration = 1.0 + 3.0 * shape[:, 0, None]  # (S, 1)
    drawn = streams.gamma(concentration, n) - concentration[..., None]
    return _side(shape) * drawn / np.sqrt(concentration)[..., None]


def _gumbel(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """Gumbel, skewed to either side."""
    drawn = -np.log(-np.log(streams.uniform(n))) - np.euler_gamma
    return _side(shape) * drawn * sqrt(6.0) / np.pi


def _mixture(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """Two Gaussians of equal width, weight 0.2 to 0.8, means 1.5 to 4 widths apart."""
    weight = (0.2 + 0.6 * shape[:, 0])[:, None, None]
    gap = (1.5 + 2.5 * shape[:, 1])[:, None, None]
    second = streams.branch(1).uniform(n) < weight
    sd = np.sqrt(1.0 + weight * (1.0 - weight) * gap**2)
    return (streams.normal(n) + gap * (second - weight)) / sd


def _side(shape: FloatArray) -> FloatArray:
    return np.where(shape[:, 2] < 0.5, -1.0, 1.0)[:, None, None]


FAMILIES: Mapping[str, Callable[[Streams, int, FloatArray], FloatArray]] = {
    "gaussian": _gaussian,
    "uniform": _uniform,
    "laplace": _laplace,
    "student_t": _student_t,
    "beta": _beta,
    "gamma": _gamma,
    "gumbel": _gumbel,
    "mixture": _mixture,
}
