"""Laws of the queries: what every variable is set to, one query a variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from activa_sim.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FixedValue:
    """do(V_j = value), where each row's value is N(value, jitter^2): the paper's queries."""

    fewest_rows: ClassVar[int] = 1

    value: float = 5.0
    jitter: float = 0.1  # standard deviation

    def __post_init__(self) -> None:
        """Refuse a negative standard deviation."""
        if self.jitter < 0.0:
            raise InputError(f"jitter is {self.jitter}; give a standard deviation of 0 or more")

    def values(self, _streams: Streams, observed: FloatArray) -> FloatArray:
        """Give the value (M,) that a variable is set to."""
        return np.full(len(observed), self.value)

    def rows(self, streams: Streams, values: FloatArray, n: int) -> FloatArray:
        """Give the variable's n rows under the query, (M, n)."""
        return values[:, None] + self.jitter * streams.normal(n)


@dataclass(frozen=True)
class WithinSpread:
    """do(V_j = mean + z sd) with z ~ Uniform(-width, width), the same in every row.

    Mean and standard deviation (ddof = 1) are those of the variable's observed rows.
    """

    fewest_rows: ClassVar[int] = 2

    width: float = 3.0

    def values(self, streams: Streams, observed: FloatArray) -> FloatArray:
        """Give the value (M,) that a variable is set to, from its observed rows (M, N)."""
        z = self.width * (2.0 * streams.uniform(1)[:, 0] - 1.0)
        mean, sd = observed.mean(axis=1), observed.std(axis=1, ddof=1)
        return np.asarray(mean + z * sd)

    def rows(self, _streams: Streams, values: FloatArray, n: int) -> FloatArray:
        """Give the variable's n rows under the query, (M, n)."""
        return np.broadcast_to(values[:, None], (len(values), n))
