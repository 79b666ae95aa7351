"""A graph that the user gives, edge by edge, on columns that keep their numbers."""

from __future__ import annotations

import heapq
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
        places = [0] * d
        for number, column in enumerate(self._causal_order(d)):
            places[column] = number
        return tuple(places)

    def _causal_order(self, d: int) -> list[int]:
        """Columns so that causes come before effects, the lower number first where either may."""
        effects: list[list[int]] = [[] for _ in range(d)]
        waits_for = [0] * d
        for cause, effect in set(self.edges):
            effects[cause].append(effect)
            waits_for[effect] += 1
        ready = [column for column in range(d) if not waits_for[column]]  # a heap, as it is sorted
        order = []
        while ready:
            order.append(heapq.heappop(ready))
            for effect in effects[order[-1]]:
                waits_for[effect] -= 1
                if not waits_for[effect]:
                    heapq.heappush(ready, effect)
        if len(order) < d:
            cycle = " -> ".join(str(column) for column in self._cycle({*range(d)} - {*order}))
            raise InputError(f"the edges form a cycle, {cycle}; remove one of them")
        return order

    def _cycle(self, left: set[int]) -> list[int]:
        """Walk from effects to causes among columns that all have one, until one comes again."""
        cause_of = {effect: cause for cause, effect in self.edges if cause in left}
        walk = [min(left)]
        while walk[-1] not in walk[:-1]:
            walk.append(cause_of[walk[-1]])
        return walk[walk.index(walk[-1]) :][::-1]
