"""Noise whose family is drawn for each variable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import check_names, check_probability
from activa_sim.noises.families import FAMILIES
from activa_sim.noises.law import Noise
from activa_sim.rng import Site, choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class AssortedNoise:
    """A family of zero mean and unit variance, drawn for each variable on its own.

    Parameters
    ----------
    families : tuple of str
        Names from `FAMILIES`.
    first_share : float
        Probability of the first one; the others share the rest equally.
    all_first : float
        Probability that every variable of a model has the first one. A pair that is linear and
        Gaussian throughout has no direction in its data; the more such pairs a prior holds, the
        more evidence a direction takes.
    """

    families: tuple[str, ...] = field(default_factory=lambda: tuple(FAMILIES))
    first_share: float = 0.35
    all_first: float = 0.75

    def __post_init__(self) -> None:
        """Refuse unknown families."""
        object.__setattr__(self, "families", tuple(self.families))
        check_names("noise family", self.families, FAMILIES)
        check_probability("first_share", self.first_share)
        check_probability("all_first", self.all_first)

    def draw(self, streams: Streams, d: int) -> Noise:
        """Draw the family of every model and variable, and what shapes it."""
        uniform = streams.at(Site.NOISE_LAW, range(d)).uniform(5)  # (M, d, 5)
        family = choose(uniform[..., 0], len(self.families), self.first_share)
        family[uniform[:, 0, 4] < self.all_first] = 0
        return _Assorted(np.array(self.families)[family], uniform[..., 1:4])


@dataclass(frozen=True)
class _Assorted:
    families: NDArray[np.str_]
    shape_numbers: FloatArray  # (M, d, 3) uniform numbers, one law each

    @property
    def mean(self) -> FloatArray:
        return np.zeros(self.families.shape)

    @property
    def variance(self) -> FloatArray:
        return np.ones(self.families.shape)

    def sample(self, streams: Streams, n: int) -> FloatArray:
        noise = np.empty((*streams.shape, n))
        for name, draw in FAMILIES.items():
            where = np.nonzero(self.families == name)
            if where[0].size:
                noise[where] = draw(streams[where], n, self.shape_numbers[where])
        return noise
