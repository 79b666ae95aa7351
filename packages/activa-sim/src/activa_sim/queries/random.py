"""Queries that leave a variable its chance: shifts, and draws from another law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from activa_sim.queries.law import QueryLaw, between, check_range, check_spread
from activa_sim.queries.values import jittered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Shift(QueryLaw):
    """Add an amount to what the mechanism gives: amount ~ Uniform(low, high) per query.

    The variable goes on following its causes; `values` holds the amount. A shift by 0 is the
    null intervention.
    """

    kind: ClassVar[str] = "shift"

    low: float = -3.0
    high: float = 3.0

    def __post_init__(self) -> None:
        """Refuse what is no range."""
        check_range(self.low, self.high)

    def values(self, streams: Streams, _observed: FloatArray) -> FloatArray:
        """Draw the amount (K,) that is added to each target."""
        return between(streams, self.low, self.high)

    def rows(self, _streams: Streams, values: FloatArray, natural: FloatArray) -> FloatArray:
        """Give the targets' rows under their queries, (K, N)."""
        return natural + values[:, None]


@dataclass(frozen=True)
class RandomValue(QueryLaw):
    """A stochastic intervention: each row's value is N(mean, sd^2), whatever the causes.

    The mean is Uniform(low, high) per query; `values` holds it.
    """

    kind: ClassVar[str] = "random"

    low: float = -3.0
    high: float = 3.0
    sd: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no range and a negative standard deviation."""
        check_range(self.low, self.high)
        check_spread("sd", self.sd)

    def values(self, streams: Streams, _observed: FloatArray) -> FloatArray:
        """Draw the mean (K,) of each target."""
        return between(streams, self.low, self.high)

    def rows(self, streams: Streams, values: FloatArray, natural: FloatArray) -> FloatArray:
        """Give the targets' rows under their queries, (K, N)."""
        return jittered(streams, values, natural, self.sd)

    @property
    def variance(self) -> float:
        """Variance of a target's rows around its value."""
        return self.sd**2
