"""Families of noise with zero mean and unit variance.

The public functions draw n numbers a stream: streams (*S) give (*S, n), and their parameters
broadcast with that. `FAMILIES` are the same with parameters from uniform numbers (S, 3), one law
a row, for streams (S, R): the same law in all regimes of a variable.
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


def uniform(streams: Streams, n: int) -> FloatArray:
    """Uniform from -sqrt(3) to sqrt(3)."""
    return sqrt(12.0) * (streams.uniform(n) - 0.5)


def laplace(streams: Streams, n: int) -> FloatArray:
    """Laplace, by inversion."""
    centred = streams.uniform(n) - 0.5
    return -np.sign(centred) * np.log1p(-2.0 * np.abs(centred)) / sqrt(2.0)


def student_t(streams: Streams, n: int, df: FloatArray) -> FloatArray:
    """Student-t with more than 2 degrees of freedom, by Bailey's (1994) polar method."""
    pairs = streams.uniform(2 * n).reshape(*streams.shape, n, 2)
    radius = np.sqrt(df * (pairs[..., 0] ** (-2.0 / df) - 1.0))
    t = radius * np.cos(2.0 * np.pi * pairs[..., 1])
    return t * np.sqrt((df - 2.0) / df)


def gumbel(streams: Streams, n: int) -> FloatArray:
    """Gumbel with its long tail on the right, by inversion."""
    drawn = -np.log(-np.log(streams.uniform(n))) - np.euler_gamma
    return drawn * sqrt(6.0) / np.pi


def mixture(streams: Streams, n: int, weight: FloatArray, gap: FloatArray) -> FloatArray:
    """Two Gaussians of equal width, the second of this weight and so many widths above."""
    second = streams.branch(1).uniform(n) < weight
    sd = np.sqrt(1.0 + weight * (1.0 - weight) * gap**2)
    return (streams.normal(n) + gap * (second - weight)) / sd


def _gaussian(streams: Streams, n: int, _shape: FloatArray) -> FloatArray:
    return streams.normal(n)


def _uniform(streams: Streams, n: int, _shape: FloatArray) -> FloatArray:
    return uniform(streams, n)


def _laplace(streams: Streams, n: int, _shape: FloatArray) -> FloatArray:
    return laplace(streams, n)


def _student_t(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """4 to 10 degrees of freedom."""
    return student_t(streams, n, (4.0 + 6.0 * shape[:, 0])[:, None, None])


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
    """Skewed to either side."""
    return _side(shape) * gumbel(streams, n)


def _mixture(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """Weight 0.2 to 0.8, means 1.5 to 4 widths apart."""
    weight = (0.2 + 0.6 * shape[:, 0])[:, None, None]
    gap = (1.5 + 2.5 * shape[:, 1])[:, None, None]
    return mixture(streams, n, weight, gap)


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
