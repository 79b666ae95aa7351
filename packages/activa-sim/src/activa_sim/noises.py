"""Laws of the noise: drawn once a model and variable, then sampled in every regime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from activa_sim.errors import InputError, check_interval, check_names, check_probability
from activa_sim.families import FAMILIES
from activa_sim.rng import Site, choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


class Noise(Protocol):
    """The noise of M models with d variables, its parameters drawn."""

    @property
    def families(self) -> NDArray[np.str_]:
        """Name of each variable's family, shape (M, d)."""
        ...

    def sample(self, streams: Streams, n: int) -> FloatArray:
        """Draw n numbers a stream: streams (M, d, R) give noise (M, d, R, n)."""
        ...


@dataclass(frozen=True)
class GaussianNoise:
    """N(0, sd^2) for every variable (the paper's "gauss")."""

    sd: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a negative standard deviation."""
        if self.sd < 0.0:
            raise InputError(f"sd is {self.sd}; give a standard deviation of 0 or more")

    def draw(self, streams: Streams, d: int) -> Noise:
        """Give the same law to every model and variable."""
        families = np.full((*streams.shape, d), "gaussian")
        return _OneFamily(families, lambda streams, n: self.sd * streams.normal(n))


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
        families = np.full((*streams.shape, d), "beta")
        return _OneFamily(families, lambda streams, n: streams.beta(a, b, n))


@dataclass(frozen=True)
class AssortedNoise:
    """A family of zero mean and unit variance, drawn for each variable on its own.

    Parameters
    ----------
    families : tuple of str
        Names from `FAMILIES`.
    first_share : float
        Probability of the first one; the others share the rest equally.
    """

    families: tuple[str, ...] = field(default_factory=lambda: tuple(FAMILIES))
    first_share: float = 0.35

    def __post_init__(self) -> None:
        """Refuse unknown families."""
        check_names("noise family", self.families, FAMILIES)
        check_probability("first_share", self.first_share)

    def draw(self, streams: Streams, d: int) -> Noise:
        """Draw the family of every model and variable, and what shapes it."""
        uniform = streams.at(Site.NOISE_LAW, range(d)).uniform(4)  # (M, d, 4)
        family = choose(uniform[..., 0], len(self.families), self.first_share)
        return _Assorted(np.array(self.families)[family], uniform[..., 1:])


@dataclass(frozen=True)
class _OneFamily:
    families: NDArray[np.str_]
    draw_numbers: Callable[[Streams, int], FloatArray]

    def sample(self, streams: Streams, n: int) -> FloatArray:
        return self.draw_numbers(streams, n)


@dataclass(frozen=True)
class _Assorted:
    families: NDArray[np.str_]
    shape_numbers: FloatArray  # (M, d, 3) uniform numbers, one law each

    def sample(self, streams: Streams, n: int) -> FloatArray:
        noise = np.empty((*streams.shape, n))
        for name, draw in FAMILIES.items():
            where = np.nonzero(self.families == name)
            if where[0].size:
                noise[where] = draw(streams[where], n, self.shape_numbers[where])
        return noise
