"""What every law of graphs does.

Every law numbers its variables causally: edges go from a lower to a higher index. The simulator
permutes the columns afterwards, so that a column's place says nothing about its causes, unless
the law names the columns itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    BoolArray = NDArray[np.bool_]


class GraphLaw(ABC):
    """A law of directed acyclic graphs; subclasses are frozen dataclasses of its parameters."""

    def check(self, d: int) -> None:  # noqa: B027 - most laws take any number of variables
        """Raise InputError if the law has no graph of d variables."""

    @abstractmethod
    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw graphs, shape (M, d, d), entry [m, i, j] says i -> j and is False for i >= j."""

    def places(self, _d: int) -> tuple[int, ...] | None:
        """Give the causal number of the variable in each column; None where any order will do."""
        return None
