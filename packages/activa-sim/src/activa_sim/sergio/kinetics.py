"""Laws of the rates: how strongly, in which direction and how noisily genes are regulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.backend import native
from activa_sim.errors import InputError, check_interval
from activa_sim.rng import Site
from activa_sim.sergio.native import rates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Rates:
    """What M models of d genes and C cell types have drawn, the same under every query."""

    strength: FloatArray  # (M, d, d), most production that i can cause in j
    activates: BoolArray  # (M, d, d), else it represses
    basal: FloatArray  # (M, d, C), production of genes that nobody regulates
    hill: FloatArray  # (M,)
    decay: FloatArray  # (M,)
    noise_amplitude: FloatArray  # (M,)


@dataclass(frozen=True)
class Kinetics:
    """The law of the rates; the defaults are the paper's.

    Parameters
    ----------
    basal : (float, float)
        Production of a gene without regulators, uniform, for each gene and cell type.
    strength : (float, float)
        Most production that a regulator can cause in a target, uniform, for each pair.
    sign : (float, float)
        Each regulator activates a share of its targets drawn from Beta(a, b).
    hill, decay, noise_amplitude : tuple of float
        Hill coefficient, rate of decay and amplitude of the noise; a model takes one of each.
    """

    basal: tuple[float, float] = (0.0, 1.0)
    strength: tuple[float, float] = (1.0, 5.0)
    sign: tuple[float, float] = (1.0, 1.0)
    hill: tuple[float, ...] = (1.9, 2.0, 2.1)
    decay: tuple[float, ...] = (0.7, 0.8, 0.9)
    noise_amplitude: tuple[float, ...] = (0.9, 1.0, 1.1)

    def __post_init__(self) -> None:
        """Refuse rates that no cell has."""
        for low, high in (self.basal, self.strength):
            check_interval(low, high, least=0.0)
        if not min(self.sign) >= 0.1:
            raise InputError(f"sign is {self.sign}; give Beta parameters of 0.1 or more")
        for name in ("hill", "decay", "noise_amplitude"):
            values = getattr(self, name)
            if not values or not all(0.0 < value < np.inf for value in values):
                raise InputError(f"{name} is {values}; give one or more positive numbers")

    def draw(self, streams: Streams, d: int, cell_types: int) -> Rates:
        """Draw the rates of every model."""
        library = native()
        if library is not None:
            return Rates(*rates(library, self, streams, d, cell_types))
        a, b = (np.full((*streams.shape, d), value) for value in self.sign)
        share = streams.at(Site.SIGN, range(d)).beta(a, b, 1)  # (M, d, 1)
        uniform = streams.at(Site.STRENGTH, range(d)).uniform(2 * d)  # (M, d, 2 d)
        basal = streams.at(Site.BASAL, range(d)).uniform(cell_types)  # (M, d, C)
        choice = streams.at(Site.KINETICS).uniform(3)
        hill, decay, noise_amplitude = (
            np.array(values)[(choice[:, place] * len(values)).astype(np.intp)]
            for place, values in enumerate((self.hill, self.decay, self.noise_amplitude))
        )
        return Rates(
            strength=_between(self.strength, uniform[..., :d]),
            activates=uniform[..., d:] < share,
            basal=_between(self.basal, basal),
            hill=hill,
            decay=decay,
            noise_amplitude=noise_amplitude,
        )


def _between(ends: tuple[float, float], uniform: FloatArray) -> FloatArray:
    low, high = ends
    return low + (high - low) * uniform
