"""What every law of queries does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from activa_sim.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]

KINDS = ("set", "shift", "random", "scale")


class QueryLaw(ABC):
    """A law of what a query does to a target; subclasses are frozen dataclasses.

    Its kind says what the query's value means: the variable is "set" to it (a small jitter
    apart), its mechanism's result is "shift"ed by it, or it is drawn at "random" around it.
    A "scale", which multiplies the production of a gene, is left to `activa_sim.sergio`.
    """

    kind: ClassVar[str] = "set"
    fewest_rows: ClassVar[int] = 1

    @property
    def laws(self) -> tuple[QueryLaw, ...]:
        """What a query can follow: this law, where it is not made of several."""
        return (self,)

    def choose(self, streams: Streams, queries: int) -> NDArray[np.intp]:
        """Choose the law that each query follows, by its place in `laws`, shape (M, Q)."""
        return np.zeros((*streams.shape, queries), dtype=np.intp)

    @abstractmethod
    def values(self, streams: Streams, observed: FloatArray) -> FloatArray:
        """Draw the value of each target, (K,), which may depend on its observed rows (K, N)."""

    @abstractmethod
    def rows(self, streams: Streams, values: FloatArray, natural: FloatArray) -> FloatArray:
        """Give the targets' rows under their queries, from those without them, (K, N) each."""

    @property
    def variance(self) -> float:
        """Variance of a target's rows around its value, or around its natural rows plus it."""
        return 0.0


def check_range(low: float, high: float) -> None:
    """Raise unless the fields `low` and `high` bound an interval."""
    if not -float("inf") < low <= high < float("inf"):
        raise InputError(f"low is {low} and high is {high}; give finite low <= high")


def check_spread(name: str, sd: float) -> None:
    """Raise unless a field holds a standard deviation."""
    if not 0.0 <= sd < float("inf"):
        raise InputError(f"{name} is {sd}; give a standard deviation of 0 or more")


def between(streams: Streams, low: float, high: float) -> FloatArray:
    """Draw one uniform number a stream, (K,)."""
    return low + (high - low) * streams.uniform(1)[..., 0]
