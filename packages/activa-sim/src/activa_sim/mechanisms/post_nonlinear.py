"""Post-nonlinear mechanisms: what another mechanism gives is bent, its noise included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import check_names
from activa_sim.mechanisms.around import Around
from activa_sim.mechanisms.assorted import AssortedMechanism
from activa_sim.mechanisms.calibration import check_calibration, standardised
from activa_sim.mechanisms.law import NO_MECHANISM, Mechanism, MechanismLaw
from activa_sim.rng import Site, choose_among

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


def _power(x: FloatArray, u: FloatArray) -> FloatArray:
    """Power from 1/2 to 2 that keeps the sign."""
    return np.sign(x) * np.abs(x) ** (0.5 * 4.0**u)


def _tanh(x: FloatArray, u: FloatArray) -> FloatArray:
    return np.tanh((0.5 + 1.5 * u) * x)


def _softplus(x: FloatArray, u: FloatArray) -> FloatArray:
    return np.logaddexp(0.0, (1.0 + 3.0 * u) * x)


def _wiggle(x: FloatArray, u: FloatArray) -> FloatArray:
    """Staircase with soft steps, which still rises everywhere."""
    return x + 0.9 * np.sin((1.0 + u) * x) / (1.0 + u)


LINKS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "power": _power,
    "tanh": _tanh,
    "softplus": _softplus,
    "wiggle": _wiggle,
}


@dataclass(frozen=True)
class PostNonlinear:
    """V_j = g(what another mechanism gives), g rising, drawn for each variable with a cause.

    What goes into g and what comes out of it are standardised by a calibration sample.

    Parameters
    ----------
    mechanism : MechanismLaw
        The mechanism within.
    links : tuple of str
        Names from `LINKS`, equally likely.
    calibration : int
        Rows of the calibration sample.
    """

    mechanism: MechanismLaw = field(default_factory=AssortedMechanism)
    links: tuple[str, ...] = field(default_factory=lambda: tuple(LINKS))
    calibration: int = 128

    def __post_init__(self) -> None:
        """Refuse unknown links."""
        object.__setattr__(self, "links", tuple(self.links))
        check_names("link", self.links, LINKS)
        check_calibration(self.calibration)

    def draw(self, streams: Streams, graphs: BoolArray) -> Mechanism:
        """Draw the link of every variable and the mechanism within."""
        uniform = streams.at(Site.LINK, range(graphs.shape[-1])).uniform(2)  # (M, d, 2)
        links = np.array(self.links)[choose_among(uniform[..., 0], (1.0,) * len(self.links))]
        return _PostNonlinear(
            mechanism=self.mechanism.draw(streams, graphs),
            links=np.where(graphs.any(axis=1), links, NO_MECHANISM),
            parameters=uniform[..., 1],
            own_calibration=self.calibration,
        )


@dataclass(frozen=True)
class _PostNonlinear(Around):
    links: NDArray[np.str_]  # (M, d)
    parameters: FloatArray  # (M, d), uniform

    def child(self, j: int, x: FloatArray, noise: FloatArray) -> FloatArray:
        value = self.mechanism.child(j, x, noise)
        for name, link in LINKS.items():
            models = np.nonzero(self.links[:, j] == name)[0]
            if models.size:
                straight = standardised(value[models], self.own_calibration)
                bent = link(straight, self.parameters[models, j, None])
                value[models] = standardised(bent, self.own_calibration)
        return value
