"""Mechanisms of several laws in one model: each variable draws its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import check_shares
from activa_sim.mechanisms.assorted import AssortedMechanism
from activa_sim.mechanisms.law import Mechanism, MechanismLaw, of_models
from activa_sim.mechanisms.ridge import FourierMechanism, NeuralMechanism
from activa_sim.mechanisms.tree import TreeMechanism
from activa_sim.rng import Site, choose_among

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


def _all_of_unit_variance() -> tuple[MechanismLaw, ...]:
    return AssortedMechanism(), FourierMechanism(), NeuralMechanism(), TreeMechanism()


@dataclass(frozen=True)
class MixedMechanism:
    """Every variable follows one of several laws.

    Parameters
    ----------
    laws : tuple of MechanismLaw
        What there is to choose from.
    shares : tuple of float, optional
        Their probabilities up to a factor; equal if none are given.
    """

    laws: tuple[MechanismLaw, ...] = field(default_factory=_all_of_unit_variance)
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse shares that do not belong to the laws."""
        object.__setattr__(self, "laws", tuple(self.laws))
        object.__setattr__(self, "shares", tuple(self.shares))
        check_shares(self.laws, self.shares)

    def draw(self, streams: Streams, graphs: BoolArray) -> Mechanism:
        """Draw the law of every variable and the parameters of each law."""
        uniform = streams.at(Site.LAW, range(graphs.shape[-1])).uniform(1)[..., 0]
        # the laws may share random numbers, as a variable uses those of one law alone
        return Mixed(
            mechanisms=tuple(law.draw(streams, graphs) for law in self.laws),
            chosen=choose_among(uniform, self.shares or (1.0,) * len(self.laws)),
        )


@dataclass(frozen=True)
class Mixed:
    """Mechanisms, and which of them each variable follows."""

    mechanisms: tuple[Mechanism, ...]
    chosen: NDArray[np.intp]  # (M, d)

    @property
    def families(self) -> NDArray[np.str_]:
        """Name of each edge's function, as `Mechanism` has it."""
        families = self.mechanisms[0].families
        for number, mechanism in enumerate(self.mechanisms):
            families = np.where(self.chosen[:, None] == number, mechanism.families, families)
        return families

    @property
    def calibration(self) -> int:
        """Leading rows that only scale, of the law that needs most."""
        return max(mechanism.calibration for mechanism in self.mechanisms)

    def child(self, j: int, x: FloatArray, noise: FloatArray) -> FloatArray:
        """Variable j (M, rows), from x (M, d, rows), right up to j, and its noise (M, rows)."""
        value = np.empty_like(noise)
        for number, mechanism in enumerate(self.mechanisms):
            models = np.nonzero(self.chosen[:, j] == number)[0]
            if models.size:
                some = of_models(mechanism, models)
                value[models] = some.child(j, x[models], noise[models])
        return value
