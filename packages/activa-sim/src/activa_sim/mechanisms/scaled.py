"""A function of all causes together that explains a drawn share of the variance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from activa_sim.errors import check_interval, check_probability
from activa_sim.mechanisms.calibration import blended, check_calibration, standardised
from activa_sim.mechanisms.law import NO_MECHANISM, Mechanism
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


class CauseFunction(Protocol):
    """The functions of M models with d variables, parameters drawn; a frozen dataclass."""

    def signal(self, j: int, causes: FloatArray) -> FloatArray:
        """Variable j's unscaled function (M, rows) of standardised variables 0 ... j - 1."""
        ...


@dataclass(frozen=True)
class ScaledLaw(ABC):
    """V_j = sqrt(R2) f(causes) + sqrt(1 - R2) noise, where f has unit variance.

    Causes are standardised, and f is scaled, by moments over a calibration sample, so that any
    noise and any other mechanism goes before. Variables without a cause are their noise.

    Parameters
    ----------
    low, high : float
        R2, the share of the variance that the causes explain if the noise has unit variance,
        is Uniform(low, high).
    calibration : int
        Rows of the calibration sample.
    """

    family: ClassVar[str]

    low: float = 0.05
    high: float = 0.95
    calibration: int = 128

    def __post_init__(self) -> None:
        """Refuse shares of variance that are none."""
        check_probability("low", self.low)
        check_probability("high", self.high)
        check_interval(self.low, self.high, least=0.0)
        check_calibration(self.calibration)

    @abstractmethod
    def function(self, streams: Streams, graphs: BoolArray) -> CauseFunction:
        """Draw the functions, on branches 0 to 2 of the streams' mechanism site."""

    def draw(self, streams: Streams, graphs: BoolArray) -> Mechanism:
        """Draw the function and the R2 of every variable."""
        uniform = streams.at(Site.MECHANISM, range(graphs.shape[-1])).branch(3).uniform(1)
        r2 = self.low + (self.high - self.low) * uniform[..., 0]  # (M, d)
        return _Scaled(
            families=np.where(graphs, self.family, NO_MECHANISM),
            r2=np.where(graphs.any(axis=1), r2, 0.0),
            function=self.function(streams, graphs),
            calibration=self.calibration,
        )


@dataclass(frozen=True)
class _Scaled:
    families: NDArray[np.str_]
    r2: FloatArray  # (M, d), zero without a cause
    function: CauseFunction
    calibration: int

    def child(self, j: int, x: FloatArray, noise: FloatArray) -> FloatArray:
        if j == 0:
            return noise.copy()
        signal = self.function.signal(j, standardised(x[:, :j], self.calibration))
        return blended(signal, noise, self.r2[:, j], self.calibration)
