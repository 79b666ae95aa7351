"""Queries that set a variable to a value: a fixed one, one of a range, one within its spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from activa_sim.queries.law import QueryLaw, between, check_range, check_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FixedValue(QueryLaw):
    """do(V_j = value), where each row's value is N(value, jitter^2): the paper's queries."""

    value: float = 5.0
    jitter: float = 0.1  # standard deviation; 0 is a hard do

    def __post_init__(self) -> None:
        """Refuse a negative standard deviation."""
        check_range(self.value, self.value)
        check_spread("jitter", self.jitter)

    def values(self, _streams: Streams, observed: FloatArray) -> FloatArray:
        """Give the value (K,) that each target is set to."""
        return np.full(len(observed), self.value)

    def rows(self, streams: Streams, values: FloatArray, natural: FloatArray) -> FloatArray:
        """Give the targets' rows under their queries, (K, N)."""
        return jittered(streams, values, natural, self.jitter)

    @property
    def variance(self) -> float:
        """Variance of a target's rows around its value."""
        return self.jitter**2


@dataclass(frozen=True)
class ValueRange(QueryLaw):
    """do(V_j = value) with value ~ Uniform(low, high) per query, each row's N(value, jitter^2)."""

    low: float = -3.0
    high: float = 3.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no range and a negative standard deviation."""
        check_range(self.low, self.high)
        check_spread("jitter", self.jitter)

    def values(self, streams: Streams, _observed: FloatArray) -> FloatArray:
        """Draw the value (K,) that each target is set to."""
        return between(streams, self.low, self.high)

    def rows(self, streams: Streams, values: FloatArray, natural: FloatArray) -> FloatArray:
        """Give the targets' rows under their queries, (K, N)."""
        return jittered(streams, values, natural, self.jitter)

    @property
    def variance(self) -> float:
        """Variance of a target's rows around its value."""
        return self.jitter**2


@dataclass(frozen=True)
class WithinSpread(QueryLaw):
    """do(V_j = mean + z sd) with z ~ Uniform(-width, width), the same in every row.

    Mean and standard deviation (ddof = 1) are those of the variable's observed rows.
    """

    fewest_rows: ClassVar[int] = 2

    width: float = 3.0

    def __post_init__(self) -> None:
        """Refuse a negative width."""
        check_spread("width", self.width)

    def values(self, streams: Streams, observed: FloatArray) -> FloatArray:
        """Draw the value (K,) that each target is set to, from its observed rows (K, N)."""
        z = self.width * (2.0 * streams.uniform(1)[:, 0] - 1.0)
        mean, sd = observed.mean(axis=1), observed.std(axis=1, ddof=1)
        return np.asarray(mean + z * sd)

    def rows(self, _streams: Streams, values: FloatArray, natural: FloatArray) -> FloatArray:
        """Give the targets' rows under their queries, (K, N)."""
        return np.broadcast_to(values[:, None], natural.shape)


def jittered(streams: Streams, values: FloatArray, natural: FloatArray, sd: float) -> FloatArray:
    """Scatter rows around values, (K, N)."""
    if sd == 0.0:
        return np.broadcast_to(values[:, None], natural.shape)
    return values[:, None] + sd * streams.normal(natural.shape[1])
