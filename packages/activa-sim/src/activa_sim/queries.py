"""Laws of the queries: what each variable is set to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FixedValue:
    """do(V_j = value) for every variable; each row's value is N(value, jitter^2) (the paper's)."""

    value: float = 5.0
    jitter: float = 0.1  # standard deviation

    def values(self, streams: Streams, observed: FloatArray, j: int) -> FloatArray:
        """Give the value that variable j is set to, (M,)."""
        return np.full(len(observed), self.value)


@dataclass(frozen=True)
class WithinSpread:
    """do(V_j = mean + z sd) for every variable, z ~ Uniform(-width, width).

    Mean and standard deviation (ddof = 1) are those of the variable's observed rows.
    """

    width: float = 3.0
    jitter: float = 0.0

    def values(self, streams: Streams, observed: FloatArray, j: int) -> FloatArray:
        """Give the value that variable j is set to, (M,), from its observed rows (M, N)."""
        uniform = streams.at(Site.QUERY, j + 1)[:, j].uniform(1)[:, 0]
        z = self.width * (2.0 * uniform - 1.0)
        return observed.mean(axis=1) + z * observed.std(axis=1, ddof=1)
