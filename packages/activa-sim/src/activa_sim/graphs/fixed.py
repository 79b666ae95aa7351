"""Graphs of one shape: pairs, chains, stars, and none at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import InputError, check_probability
from activa_sim.graphs.law import GraphLaw
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Pair(GraphLaw):
    """Two variables: no edge with the given probability, else 0 -> 1."""

    no_edge_probability: float = 0.2

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        check_probability("no_edge_probability", self.no_edge_probability)

    def check(self, d: int) -> None:
        """Refuse what is no pair."""
        if d != 2:
            raise InputError(f"the pair law has 2 variables, not {d}; use another graph law")

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw graphs, shape (M, d, d) with d = 2, entry [m, i, j] says i -> j."""
        words = streams.at(Site.GRAPH).words(1)
        graphs = _without_edges(streams, d)
        graphs[:, 0, 1] = words[:, 0] >= round(self.no_edge_probability * 2.0**32)
        return graphs


@dataclass(frozen=True)
class Empty(GraphLaw):
    """No edges."""

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Give the same graph to every model, shape (M, d, d)."""
        return _without_edges(streams, d)


@dataclass(frozen=True)
class Chain(GraphLaw):
    """Every variable causes the next: 0 -> 1 -> ... -> d - 1."""

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Give the same graph to every model, shape (M, d, d)."""
        graphs = _without_edges(streams, d)
        graphs[:] = np.eye(d, k=1, dtype=np.bool_)
        return graphs


@dataclass(frozen=True)
class Star(GraphLaw):
    """One variable causes all others, or (outward=False) is caused by all others."""

    outward: bool = True

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Give the same graph to every model, shape (M, d, d)."""
        graphs = _without_edges(streams, d)
        if self.outward:
            graphs[:, 0, 1:] = True
        else:
            graphs[:, :-1, -1] = True
        return graphs


def _without_edges(streams: Streams, d: int) -> BoolArray:
    return np.zeros((*streams.shape, d, d), dtype=np.bool_)
