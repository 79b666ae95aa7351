"""Linear mechanisms: V_j = sum_i b_ij V_i + scale_j noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import InputError, check_interval
from activa_sim.mechanisms.law import NO_MECHANISM, Mechanism
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class LinearMechanism:
    """V_j = sum_i b_ij V_i + noise with |b_ij| ~ Uniform(low, high), either sign (the paper's)."""

    low: float = 0.5
    high: float = 2.0

    def __post_init__(self) -> None:
        """Refuse what is no range of sizes."""
        check_interval(self.low, self.high, least=0.0)

    def draw(self, streams: Streams, graphs: BoolArray) -> Mechanism:
        """Draw the weight of every edge."""
        d = graphs.shape[-1]
        uniform = streams.at(Site.MECHANISM, range(d)).uniform(d)  # (M, d, d)
        size = self.low + (self.high - self.low) * np.abs(2.0 * uniform - 1.0)
        return _linear(graphs, np.where(uniform < 0.5, -size, size) * graphs)


@dataclass(frozen=True)
class BandedMechanism:
    """V_j = sum_i b_ij V_i + noise with b_ij uniform over the union of some bands.

    Parameters
    ----------
    bands : tuple of (low, high)
        Intervals that do not overlap.
    normalised : bool
        Whether every variable, as it is made, is divided by its standard deviation, as algebra
        gives it for noise of unit variance (internally standardised models, Ormaniec et al.,
        2024). Then all variances are 1 and say nothing about the causal order.
    """

    bands: tuple[tuple[float, float], ...] = ((-2.0, -0.5), (0.5, 2.0))
    normalised: bool = False

    def __post_init__(self) -> None:
        """Bring the bands into order and refuse what are none."""
        try:
            bands = tuple(sorted((float(low), float(high)) for low, high in self.bands))
        except (TypeError, ValueError) as error:
            raise InputError("bands are pairs of numbers; give [(low, high), ...]") from error
        object.__setattr__(self, "bands", bands)
        ends = [end for band in bands for end in band]
        if not bands or ends != sorted(ends) or not np.isfinite(ends).all():
            raise InputError(f"bands are {bands}; give finite low <= high that do not overlap")
        if not any(high > low for low, high in bands) and len(bands) > 1:
            raise InputError(f"bands are {bands}; give at least one of them a width")

    def draw(self, streams: Streams, graphs: BoolArray) -> Mechanism:
        """Draw the weight of every edge."""
        d = graphs.shape[-1]
        uniform = streams.at(Site.MECHANISM, range(d)).uniform(d)  # (M, d, d)
        lows, highs = np.array(self.bands).T
        ends = np.concatenate([[0.0], np.cumsum(highs - lows)])  # where each band begins
        along = uniform * ends[-1]
        band = np.searchsorted(ends[1:-1], along, side="right")
        drawn = _linear(graphs, (lows[band] + along - ends[band]) * graphs)
        return drawn.normalised() if self.normalised else drawn


def _linear(graphs: BoolArray, weights: FloatArray) -> Linear:
    families = np.where(graphs, "linear", NO_MECHANISM)
    return Linear(families, weights, np.ones(weights.shape[:2]))


@dataclass(frozen=True)
class Linear:
    """Linear mechanisms with their parameters, whose moments are known in closed form."""

    families: NDArray[np.str_]
    weights: FloatArray  # (M, d, d), entry [m, i, j] of i -> j
    scales: FloatArray  # (M, d) of the noise
    calibration: int = 0

    def child(self, j: int, x: FloatArray, noise: FloatArray) -> FloatArray:
        """Variable j (M, rows), from x (M, d, rows), right up to j, and its noise (M, rows)."""
        value = noise * self.scales[:, j, None]
        for i in range(j):
            value += self.weights[:, i, j, None] * x[:, i]
        return value

    def normalised(self) -> Linear:
        """Give every variable unit variance where the noise has it."""
        M, d, _ = self.weights.shape
        weights, scales = self.weights.copy(), self.scales.copy()
        covariance = np.zeros((M, d, d))
        for j in range(d):
            b = weights[:, :j, j]  # (M, j)
            with_causes = (covariance[:, :j, :j] * b[:, None, :]).sum(axis=2)  # (M, j)
            sd = np.sqrt(scales[:, j] ** 2 + (with_causes * b).sum(axis=1))
            weights[:, :j, j] /= sd[:, None]
            scales[:, j] /= sd
            covariance[:, :j, j] = covariance[:, j, :j] = with_causes / sd[:, None]
            covariance[:, j, j] = 1.0
        return Linear(self.families, weights, scales)
