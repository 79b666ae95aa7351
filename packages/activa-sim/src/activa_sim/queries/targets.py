"""Laws of the targets: which variables each query intervenes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from activa_sim.errors import InputError
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    BoolArray = NDArray[np.bool_]


class TargetLaw(ABC):
    """A law of targets; subclasses are frozen dataclasses of its parameters."""

    by_column: ClassVar[bool] = False  # whether query q follows the q-th variable to its column

    @abstractmethod
    def queries(self, d: int) -> int:
        """Give the number of queries Q; raise InputError where d variables are too few."""

    @abstractmethod
    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw the targets of each query, shape (M, Q, d)."""


@dataclass(frozen=True)
class EachVariable(TargetLaw):
    """One query a variable, in the order of the columns (the paper's)."""

    by_column: ClassVar[bool] = True

    def queries(self, d: int) -> int:
        """Give the number of queries."""
        return d

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Give the same targets to every model, shape (M, d, d)."""
        return np.broadcast_to(np.eye(d, dtype=np.bool_), (*streams.shape, d, d))


@dataclass(frozen=True)
class Subsets(TargetLaw):
    """Queries with several targets, every set of one size equally likely.

    Parameters
    ----------
    number : int
        Queries of each model, Q.
    fewest, most : int
        The number of a query's targets is uniform in fewest, ..., most; at 0 nothing is done.
    """

    number: int = 8
    fewest: int = 1
    most: int = 3

    def __post_init__(self) -> None:
        """Refuse numbers that make no queries."""
        if self.number < 1:
            raise InputError(f"number is {self.number}; give at least 1 query")
        if not 0 <= self.fewest <= self.most:
            raise InputError(
                f"fewest is {self.fewest} and most is {self.most}; give 0 <= fewest <= most"
            )

    def queries(self, d: int) -> int:
        """Give the number of queries."""
        if self.most > d:
            raise InputError(f"{d} variables hold no {self.most} targets; ask for at most {d}")
        return self.number

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw the targets of each query, shape (M, Q, d)."""
        at = streams.at(Site.TARGETS, range(self.number))
        sizes = self.fewest + (at.uniform(1) * (self.most - self.fewest + 1)).astype(np.intp)
        order = at.branch(1).words(d).argsort(axis=2, kind="stable")  # (M, Q, d)
        targets = np.zeros(order.shape, dtype=np.bool_)
        np.put_along_axis(targets, order, np.arange(d) < sizes, axis=2)
        return targets
