"""Poisson numbers from a counter: each takes a block of its own, so none waits for another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.philox import philox
from activa_sim.rng import MAX_ATTEMPTS, to_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]

SMALL = 10.0  # means below it are inverted, others rejected
LOG_FACTORIALS = np.array([math.lgamma(k + 1.0) for k in range(16)])


def poisson(streams: Streams, mean: FloatArray) -> FloatArray:
    """Draw whole numbers of the given means (*streams.shape, n), of the same shape.

    Number e takes the lanes of block e; a refused one asks again at the next attempt. Hormann's
    transformed rejection (Insurance: Mathematics and Economics 12, 1993) from a mean of 10 on,
    inversion below.
    """
    flat = mean.reshape(-1, mean.shape[-1])
    word1, word2, word3 = (w.reshape(-1) for w in (streams.word1, streams.word2, streams.word3))
    out = np.empty_like(flat)
    stream, element = (i.reshape(-1) for i in np.indices(flat.shape))
    for attempt in range(MAX_ATTEMPTS):
        places = element.astype(np.uint64), word1[stream] | np.uint64(attempt << 8)
        lanes = philox(streams.key, *places, word2[stream], word3[stream])
        first, second = to_unit(lanes[0]), to_unit(lanes[1])
        wanted = flat[stream, element]
        small = wanted < SMALL
        accepted = small.copy()
        proposal = np.empty_like(wanted)
        proposal[small] = _inverted(wanted[small], first[small])
        proposal[~small], accepted[~small] = _proposed(
            wanted[~small], first[~small], second[~small]
        )
        out[stream[accepted], element[accepted]] = proposal[accepted]
        stream, element = stream[~accepted], element[~accepted]
        if not stream.size:
            return out.reshape(mean.shape)
    raise AssertionError("a proposal that is accepted 3 times in 4 was refused 64 times")


def log_factorial(k: FloatArray) -> FloatArray:
    """Logarithm of k! of whole numbers; Stirling's series from 16 on, to 14 digits."""
    large = np.maximum(k, 16.0)
    square = 1.0 / (large * large)
    series = (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0)) / large
    stirling = (large + 0.5) * np.log(large) - large + 0.5 * math.log(2.0 * math.pi) + series
    return np.where(k < 16.0, LOG_FACTORIALS[np.minimum(k, 15.0).astype(np.intp)], stirling)


def _inverted(mean: FloatArray, uniform: FloatArray) -> FloatArray:
    """Smallest k whose distribution function reaches `uniform`."""
    k, term = np.zeros_like(mean), np.exp(-mean)
    below = term.copy()
    climbing = uniform > below
    while climbing.any():
        k += climbing
        term *= np.where(k > 0.0, mean / np.maximum(k, 1.0), 1.0)
        below += term
        climbing &= (uniform > below) & (k < 100.0)  # past it the terms no longer add anything
    return k


def _proposed(
    mean: FloatArray, first: FloatArray, second: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Propose Poisson numbers of a mean of 10 or more and say which are accepted."""
    width = 0.931 + 2.53 * np.sqrt(mean)
    tail = -0.059 + 0.02483 * width
    u = first - 0.5
    edge = 0.5 - np.abs(u)
    k = np.floor((2.0 * tail / edge + width) * u + mean + 0.43)
    quick = (edge >= 0.07) & (second <= 0.9277 - 3.6224 / (width - 2.0))
    possible = (k >= 0.0) & ((edge >= 0.013) | (second <= edge))
    scale = 1.1239 + 1.1328 / (width - 3.4)
    height = np.log(second * scale / (tail / (edge * edge) + width))
    density = k * np.log(mean) - mean - log_factorial(np.maximum(k, 0.0))
    return k, quick | (possible & (height <= density))
