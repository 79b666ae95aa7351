"""Latent confounders: causes of several variables that stand in the truth and not in the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import InputError, check_probability
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Confounders:
    """Hidden variables without causes, each of which causes at least two of the others.

    Mechanisms and noise treat them as they treat all variables; no query sets them.

    Parameters
    ----------
    number : int
        Hidden variables of each model.
    edge_probability : float
        Probability with which each causes each variable, beyond a random two that it does cause.
    """

    number: int = 1
    edge_probability: float = 0.3

    def __post_init__(self) -> None:
        """Refuse what is no number and no probability."""
        if self.number < 1:
            raise InputError(f"number is {self.number}; give at least 1, or no latents at all")
        check_probability("edge_probability", self.edge_probability)

    def check(self, d: int) -> None:
        """Refuse data in which there is nothing to confound."""
        if d < 2:
            raise InputError(f"{d} variable cannot be confounded; give at least 2")

    def with_hidden(self, streams: Streams, graphs: BoolArray) -> BoolArray:
        """Put hidden variables before those of graphs (M, d, d): (M, number + d, number + d)."""
        M, d, _ = graphs.shape
        uniform = streams.at(Site.LATENT, range(self.number)).uniform(d)  # (M, number, d)
        two_least = np.argsort(uniform, axis=2, kind="stable")[..., :2]
        effects = np.zeros(uniform.shape, dtype=np.bool_)
        np.put_along_axis(effects, two_least, values=True, axis=2)
        more = streams.at(Site.LATENT, range(self.number)).branch(1).uniform(d)
        effects |= more < self.edge_probability
        whole = np.zeros((M, self.number + d, self.number + d), dtype=np.bool_)
        whole[:, : self.number, self.number :] = effects
        whole[:, self.number :, self.number :] = graphs
        return whole
