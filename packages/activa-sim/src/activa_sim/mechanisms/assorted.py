"""Sums of one function a cause, the functions of assorted kinds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import check_interval, check_names, check_probability
from activa_sim.mechanisms.calibration import blended, check_calibration, standardised
from activa_sim.mechanisms.functions import FUNCTIONS, PARAMETERS
from activa_sim.mechanisms.law import NO_MECHANISM, Mechanism
from activa_sim.rng import Site, choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class AssortedMechanism:
    """V_j = sqrt(R2) f(causes) + sqrt(1 - R2) noise, where f has unit variance.

    f is a sum of one function a cause, each of a family drawn from `FUNCTIONS`, with random
    sign. Functions are scaled by their moments over a calibration sample of the causes that
    is drawn with random numbers of its own, so that a model does not depend on the number of
    rows asked for. Variables without a cause are their noise.

    Parameters
    ----------
    families : tuple of str
        Names from `FUNCTIONS`.
    first_share : float
        Probability of the first one; the others share the rest equally.
    low, high : float
        R2, the share of the variance that the causes explain, is Uniform(low, high).
    calibration : int
        Rows of the calibration sample.
    """

    families: tuple[str, ...] = field(default_factory=lambda: tuple(FUNCTIONS))
    first_share: float = 0.75
    low: float = 0.05
    high: float = 0.95
    calibration: int = 128

    def __post_init__(self) -> None:
        """Refuse unknown functions and shares of variance that are none."""
        object.__setattr__(self, "families", tuple(self.families))
        check_names("mechanism", self.families, FUNCTIONS)
        check_probability("first_share", self.first_share)
        check_probability("low", self.low)
        check_probability("high", self.high)
        check_interval(self.low, self.high, least=0.0)
        check_calibration(self.calibration)

    def draw(self, streams: Streams, graphs: BoolArray) -> Mechanism:
        """Draw the function of every edge and the R2 of every variable."""
        d = graphs.shape[-1]
        uniform = streams.at(Site.MECHANISM, range(d), range(d)).uniform(2 + PARAMETERS)
        family = choose(uniform[..., 0], len(self.families), self.first_share)  # (M, d, d)
        # no edge needs the diagonal, so it is free for what belongs to a variable
        r2 = self.low + (self.high - self.low) * np.diagonal(uniform[..., 0], axis1=1, axis2=2)
        return Assorted(
            families=np.where(graphs, np.array(self.families)[family], NO_MECHANISM),
            calibration=self.calibration,
            signs=np.where(uniform[..., 1] < 0.5, -1.0, 1.0),
            parameters=uniform[..., 2:],
            r2=np.where(graphs.any(axis=1), r2, 0.0),
        )


@dataclass(frozen=True)
class Assorted:
    """Functions with their parameters."""

    families: NDArray[np.str_]
    calibration: int
    signs: FloatArray  # (M, d, d)
    parameters: FloatArray  # (M, d, d, PARAMETERS), uniform
    r2: FloatArray  # (M, d), zero without a cause

    def child(self, j: int, x: FloatArray, noise: FloatArray) -> FloatArray:
        """Variable j (M, rows), from x (M, d, rows), right up to j, and its noise (M, rows)."""
        signal = np.zeros_like(noise)
        for i in range(j):
            for name, function in FUNCTIONS.items():
                models = np.nonzero(self.families[:, i, j] == name)[0]
                if models.size:
                    term = function(x[models, i], self.parameters[models, i, j])
                    term = standardised(term, self.calibration)
                    signal[models] += self.signs[models, i, j, None] * term
        return blended(signal, noise, self.r2[:, j], self.calibration)
