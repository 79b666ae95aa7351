"""The paper's noises: Gaussian of one deviation, and Beta that is not centred."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import check_interval
from activa_sim.noises.law import Noise, OneFamily, centred, check_sd
from activa_sim.rng import Site

if TYPE_CHECKING:
    from activa_sim.rng import Streams


@dataclass(frozen=True)
class GaussianNoise:
    """N(0, sd^2) for every variable (the paper's "gauss")."""

    sd: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a negative standard deviation."""
        check_sd(self.sd)

    def draw(self, streams: Streams, d: int) -> Noise:
        """Give the same law to every model and variable."""
        shape = (*streams.shape, d)
        return centred("gaussian", self.sd, shape, lambda at, n: at.normal(n))


@dataclass(frozen=True)
class BetaNoise:
    """Beta(a, b), not centred, with a, b ~ Uniform(low, high) per variable (the paper's "beta")."""

    low: float = 0.5
    high: float = 2.0

    def __post_init__(self) -> None:
        """Refuse parameters at which there is no such law."""
        check_interval(self.low, self.high, least=0.1)

    def draw(self, streams: Streams, d: int) -> Noise:
        """Draw a and b of every model and variable."""
        uniform = streams.at(Site.NOISE_LAW, range(d)).uniform(2)  # (M, d, 2)
        parameters = self.low + (self.high - self.low) * uniform
        a, b = parameters[..., :1], parameters[..., 1:]  # (M, d, 1), the same in all regimes
        mean, variance = a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1.0))
        families = np.full((*streams.shape, d), "beta")
        moments = mean[..., 0], variance[..., 0]  # (M, d)
        return OneFamily(families, *moments, lambda streams, n: streams.beta(a, b, n))
