"""What every law of noise does, and what it draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from activa_sim.errors import InputError

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

    @property
    def mean(self) -> FloatArray:
        """Expectation of each variable's noise, shape (M, d)."""
        ...

    @property
    def variance(self) -> FloatArray:
        """Variance of each variable's noise, shape (M, d)."""
        ...

    def sample(self, streams: Streams, n: int) -> FloatArray:
        """Draw n numbers a stream: streams (M, d, R) give noise (M, d, R, n)."""
        ...


@runtime_checkable
class NoiseLaw(Protocol):
    """A law of noise; a frozen dataclass of its parameters."""

    def draw(self, streams: Streams, d: int) -> Noise:
        """Draw what the law leaves open for each model and variable."""
        ...


@dataclass(frozen=True)
class OneFamily:
    """Noise of one family for all variables."""

    families: NDArray[np.str_]
    mean: FloatArray  # (M, d)
    variance: FloatArray  # (M, d)
    draw_numbers: Callable[[Streams, int], FloatArray]

    def sample(self, streams: Streams, n: int) -> FloatArray:
        """Draw n numbers a stream: streams (M, d, R) give noise (M, d, R, n)."""
        return self.draw_numbers(streams, n)


def centred(
    name: str, sd: float, shape: tuple[int, ...], draw: Callable[[Streams, int], FloatArray]
) -> Noise:
    """Give noise of zero mean and one deviation, from numbers of unit variance."""
    families = np.full(shape, name)
    variance = np.full(shape, sd * sd)
    return OneFamily(families, np.zeros(shape), variance, lambda at, n: sd * draw(at, n))


def check_sd(sd: float) -> None:
    """Raise unless a number is a standard deviation."""
    if not 0.0 <= sd < float("inf"):
        raise InputError(f"sd is {sd}; give a standard deviation of 0 or more")
