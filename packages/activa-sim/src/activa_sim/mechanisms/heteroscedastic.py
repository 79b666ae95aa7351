"""Heteroscedastic noise: how far a variable scatters depends on its causes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import check_interval
from activa_sim.mechanisms.around import Around
from activa_sim.mechanisms.assorted import AssortedMechanism
from activa_sim.mechanisms.calibration import check_calibration, standardised
from activa_sim.mechanisms.law import Mechanism, MechanismLaw
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Heteroscedastic:
    """The noise of any mechanism times s(causes), whose mean square is 1.

    log s = strength tanh(w . causes) + a constant, with standardised causes and w of random
    direction; noise that is not centred keeps its law where there is no cause.

    Parameters
    ----------
    mechanism : MechanismLaw
        The mechanism that the noise enters.
    low, high : float
        The strength of a variable is Uniform(low, high): at 1 the widest scatter is up to
        exp(2) = 7 times the narrowest.
    calibration : int
        Rows of the sample that gives the moments.
    """

    mechanism: MechanismLaw = field(default_factory=AssortedMechanism)
    low: float = 0.3
    high: float = 1.0
    calibration: int = 128

    def __post_init__(self) -> None:
        """Refuse strengths that are none."""
        check_interval(self.low, self.high, least=0.0)
        check_calibration(self.calibration)

    def draw(self, streams: Streams, graphs: BoolArray) -> Mechanism:
        """Draw the strength and direction of every variable and the mechanism within."""
        d = graphs.shape[-1]
        at = streams.at(Site.SPREAD, range(d))
        weights = at.normal(d) * graphs.swapaxes(1, 2)  # (M, effect, cause)
        length = np.sqrt((weights * weights).sum(axis=2, keepdims=True))
        return _Heteroscedastic(
            mechanism=self.mechanism.draw(streams, graphs),
            weights=1.5 * weights / np.where(length > 0.0, length, 1.0),
            strengths=self.low + (self.high - self.low) * at.branch(1).uniform(1)[..., 0],
            own_calibration=self.calibration,
        )


@dataclass(frozen=True)
class _Heteroscedastic(Around):
    weights: FloatArray  # (M, d, d), entry [m, j, i] of cause i
    strengths: FloatArray  # (M, d)

    def child(self, j: int, x: FloatArray, noise: FloatArray) -> FloatArray:
        caused = np.nonzero(self.weights[:, j].any(axis=1))[0]
        scattered = noise.copy()
        if caused.size:
            inner = np.zeros((caused.size, noise.shape[-1]))
            for i in range(j):
                causes = standardised(x[caused, i], self.own_calibration)
                inner += self.weights[caused, j, i, None] * causes
            scale = np.exp(self.strengths[caused, j, None] * np.tanh(inner))
            seen = scale[:, : self.own_calibration]
            scale /= np.sqrt((seen * seen).mean(axis=1, keepdims=True))
            scattered[caused] *= scale
        return self.mechanism.child(j, x, scattered)
