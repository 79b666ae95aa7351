"""A graph that the user gives, edge by edge, on columns that keep their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import InputError
from activa_sim.graphs.law import GraphLaw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class EdgeList(GraphLaw):
    """The same graph in every model: (i, j) says that column i causes column j.

    Raises
    ------
    InputError
        If the edges form a cycle (the message names one), or a column causes itself.

    Examples
    --------
    >>> EdgeList([(2, 0), (2, 1), (0, 1)]).places(3)
    (1, 2, 0)
    """

    edges: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        """Bring the edges into one form and refuse cycles."""
        try:
            edges = tuple((int(cause), int(effect)) for cause, effect in self.edges)
        except (TypeError, ValueError) as error:
            raise InputError("edges are pairs of columns; give [(cause, effect), ...]") from error
        object.__setattr__(self, "edges", edges)
        numbers = [number for edge in edges for number in edge]
        if min(numbers, default=0) < 0:
            raise InputError(f"column {min(numbers)} is negative; columns are numbered from 0")
        self._causal_order(max(numbers, default=-1) + 1)

    def check(self, d: int) -> None:
        """Refuse columns that there are not."""
        highest = max((number for edge in self.edges for number in edge), default=0)
        if highest >= d:
            raise InputError(
                f"an edge names column {highest}, but {d} variables end at column {d - 1}; "
                "ask for more variables"
            )

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Give the same graph to every model, numbered causally, shape (M, d, d)."""
        places = self.places(d)
        graphs = np.zeros((*streams.shape, d, d), dtype=np.bool_)
        for cause, effect in self.edges:
            graphs[:, places[cause], places[effect]] = True
        return graphs

    def places(self, d: int) -> tuple[int, ...]:
        """Give the causal number of each column."""
        order = self._causal_order(d)
        return tuple(order.index(column) for column in range(d))

    def _causal_order(self, d: int) -> list[int]:
        """Columns so that causes come before effects, the lower number first where either may."""
        order: list[int] = []
        left = list(range(d))
        while left:
            roots = (c for c in left if not any(e == c and i in left for i, e in self.edges))
            first = next(roots, None)
            if first is None:
                cycle = " -> ".join(str(column) for column in self._cycle(left))
                raise InputError(f"the edges form a cycle, {cycle}; remove one of them")
            order.append(first)
            left.remove(first)
        return order

    def _cycle(self, left: list[int]) -> list[int]:
        """Walk from effects to causes among columns that all have one, until one comes again."""
        walk = [left[0]]
        while walk[-1] not in walk[:-1]:
            walk.append(next(i for i, e in self.edges if e == walk[-1] and i in left))
        return walk[walk.index(walk[-1]) :][::-1]
