"""One pass through the variables of a model, in all of its regimes at once.

Regime 0 calibrates the mechanisms, 1 is the observation, 2 ... d + 1 are the queries, one a
variable, and then come their second samples. Each has noise of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.mechanisms import Mechanism
    from activa_sim.noises import Noise
    from activa_sim.queries import FixedValue, WithinSpread
    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]

CALIBRATION, OBSERVED = 0, 1


@dataclass(frozen=True)
class Run:
    """Rows of M models whose d variables are numbered causally; query j sets variable j."""

    observed: FloatArray  # (M, d, N)
    values: FloatArray  # (M, d)
    under_queries: list[FloatArray]  # (M, d, Q, N), once a sample


def run_regimes(
    mechanism: Mechanism,
    noise: Noise,
    query: FixedValue | WithinSpread,
    streams: Streams,
    n: int,
    *,
    samples: int,
) -> Run:
    """Draw n rows in each regime, and as many samples of every query."""
    d = mechanism.families.shape[-1]
    regimes = range(OBSERVED, OBSERVED + 1 + samples * d)
    at_noise, at_jitter = (streams.at(s, range(d), regimes) for s in (Site.NOISE, Site.JITTER))
    eps = noise.sample(at_noise, n).reshape(*streams.shape, d, -1)  # (M, d, R N)
    extra = mechanism.calibration
    if extra:
        at_calibration = streams.at(Site.NOISE, range(d), range(CALIBRATION, OBSERVED))
        eps = np.concatenate([noise.sample(at_calibration, extra)[:, :, 0], eps], axis=-1)
    x = np.empty_like(eps)  # (M, d, extra + R N)
    rows = x[:, :, extra:].reshape(*at_noise.shape, n)  # a view: (M, d, R, N)
    values = np.empty((*streams.shape, d))
    at_query = streams.at(Site.QUERY, range(d))
    for j in range(d):
        x[:, j] = mechanism.child(j, x, eps[:, j])
        values[:, j] = query.values(at_query[:, j], rows[:, j, 0])
        for regime in range(1 + j, len(regimes), d):
            rows[:, j, regime] = query.rows(at_jitter[:, j, regime], values[:, j], n)
    return Run(rows[:, :, 0], values, np.split(rows[:, :, 1:], samples, axis=2))
