"""Sums of waves along random directions: random Fourier features and small neural networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from activa_sim.errors import InputError, check_interval
from activa_sim.mechanisms.scaled import CauseFunction, ScaledLaw
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class FourierMechanism(ScaledLaw):
    """f nearly a draw from a Gaussian process with a squared-exponential kernel.

    f(x) = sum_k a_k cos(w_k . x + c_k) with a_k ~ N(0, 1), w_k ~ N(0, diag(1 / length^2)),
    c_k uniform (random Fourier features, Rahimi & Recht, 2007).

    Parameters
    ----------
    features : int
        Number of waves.
    shortest, longest : float
        The length scale of an edge is Uniform(shortest, longest), in standard deviations of the
        cause.
    """

    family: ClassVar[str] = "random_fourier"

    features: int = 32
    shortest: float = 0.7
    longest: float = 3.0

    def __post_init__(self) -> None:
        """Refuse numbers of waves and lengths that are none."""
        super().__post_init__()
        _check_terms("features", self.features)
        if self.shortest <= 0.0:
            raise InputError(f"shortest is {self.shortest}; give a length above 0")
        check_interval(self.shortest, self.longest, least=self.shortest)

    def function(self, streams: Streams, graphs: BoolArray) -> CauseFunction:
        """Draw directions, phases and amplitudes of every variable."""
        d = graphs.shape[-1]
        at = streams.at(Site.MECHANISM, range(d), range(self.features))
        normal = at.normal(d + 1)  # (M, d, F, d + 1)
        per_edge = streams.at(Site.MECHANISM, range(d)).branch(2).uniform(d)  # (M, d, d)
        length = self.shortest + (self.longest - self.shortest) * per_edge
        return _Ridge(
            weights=normal[..., :-1] * _edges(graphs) / length[:, :, None],
            offsets=2.0 * np.pi * at.branch(1).uniform(1)[..., 0],
            amplitudes=normal[..., -1],
            wave=np.cos,
        )


@dataclass(frozen=True)
class NeuralMechanism(ScaledLaw):
    """f a network of one hidden layer of tanh units with random weights.

    Parameters
    ----------
    hidden : int
        Number of units.
    gain : float
        Standard deviation of a unit's input without its bias, which is N(0, 1); larger ones
        bend more sharply.
    """

    family: ClassVar[str] = "neural"

    hidden: int = 10
    gain: float = 2.0

    def __post_init__(self) -> None:
        """Refuse numbers of units and gains that are none."""
        super().__post_init__()
        _check_terms("hidden", self.hidden)
        if not 0.0 < self.gain < float("inf"):
            raise InputError(f"gain is {self.gain}; give a number above 0")

    def function(self, streams: Streams, graphs: BoolArray) -> CauseFunction:
        """Draw the weights of every variable's network."""
        d = graphs.shape[-1]
        normal = streams.at(Site.MECHANISM, range(d), range(self.hidden)).normal(d + 2)
        causes = np.maximum(graphs.sum(axis=1), 1)[:, :, None, None]  # (M, d, 1, 1)
        return _Ridge(
            weights=normal[..., :-2] * _edges(graphs) * self.gain / np.sqrt(causes),
            offsets=normal[..., -2],
            amplitudes=normal[..., -1],
            wave=np.tanh,
        )


def _check_terms(name: str, number: int) -> None:
    if number < 1:
        raise InputError(f"{name} is {number}; give at least 1")


def _edges(graphs: BoolArray) -> BoolArray:
    """Bring graphs (M, cause, effect) into the order (M, effect, 1, cause)."""
    return graphs.swapaxes(1, 2)[:, :, None]


@dataclass(frozen=True)
class _Ridge:
    weights: FloatArray  # (M, d, F, d), entry [m, j, k, i] of cause i in term k of variable j
    offsets: FloatArray  # (M, d, F)
    amplitudes: FloatArray  # (M, d, F)
    wave: Callable[[FloatArray], FloatArray]

    def signal(self, j: int, causes: FloatArray) -> FloatArray:
        total = np.zeros((len(causes), causes.shape[-1]))
        # one by one, as sums that a library splits for speed differ between batches
        for k in range(self.offsets.shape[-1]):
            inner = self.offsets[:, j, k, None] + self.weights[:, j, k, 0, None] * causes[:, 0]
            for i in range(1, j):
                inner += self.weights[:, j, k, i, None] * causes[:, i]
            total += self.amplitudes[:, j, k, None] * self.wave(inner)
        return total
