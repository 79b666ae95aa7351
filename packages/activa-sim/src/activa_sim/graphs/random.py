"""Random graphs: Erdos-Renyi by order, scale-free, small worlds and blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from activa_sim.errors import InputError, check_names, check_probability
from activa_sim.graphs.law import GraphLaw
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class ErdosRenyi(GraphLaw):
    """Variables in random order; each earlier one causes each later one with one probability."""

    edge_probability: float = 0.3

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        check_probability("edge_probability", self.edge_probability)

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw graphs, shape (M, d, d)."""
        uniform = streams.at(Site.GRAPH, range(d)).uniform(d)  # (M, d, d)
        return np.triu(uniform < self.edge_probability, 1)


@dataclass(frozen=True)
class ScaleFree(GraphLaw):
    """Preferential attachment (Barabasi & Albert, 1999), a few hubs with many edges.

    Parameters
    ----------
    attached : int
        Earlier variables that each one is joined to, all of them where there are fewer.
    hubs : {"out", "in"}
        Whether hubs are causes of many variables or effects of many.

    Notes
    -----
    The earlier variables are chosen one after another without replacement, with weights of one
    plus their edges so far: those with the least -log(u) / weight (Efraimidis & Spirakis, 2006).
    """

    attached: int = 2
    hubs: Literal["out", "in"] = "out"

    def __post_init__(self) -> None:
        """Refuse numbers and directions that make no such graph."""
        if self.attached < 1:
            raise InputError(f"attached is {self.attached}; give at least 1 edge a variable")
        check_names("direction of hubs", [self.hubs], ["out", "in"])

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw graphs, shape (M, d, d)."""
        waits = -np.log(streams.at(Site.GRAPH, range(d)).uniform(d))  # (M, d, d)
        graphs = np.zeros(waits.shape, dtype=np.bool_)
        for new in range(1, d):
            edges = graphs[:, :new, :new]
            weights = 1.0 + edges.sum(axis=1) + edges.sum(axis=2)  # (M, new)
            keys = waits[:, new, :new] / weights
            chosen = np.argsort(keys, axis=1, kind="stable")[:, : self.attached]
            np.put_along_axis(graphs[:, :, new], chosen, values=True, axis=1)
        # read backwards, the edges from old to new ones lead from new to old ones
        return graphs if self.hubs == "out" else graphs[:, ::-1, ::-1].swapaxes(1, 2)


@dataclass(frozen=True)
class WattsStrogatz(GraphLaw):
    """A small world (Watts & Strogatz, 1998) whose edges point along a random order.

    Parameters
    ----------
    neighbours : int
        Even number of nearest ones on a ring that each variable is joined to at first.
    rewiring : float
        Probability that an edge's far end moves to a variable that it is not yet joined to.
    """

    neighbours: int = 2
    rewiring: float = 0.2

    def __post_init__(self) -> None:
        """Refuse odd numbers and what is no probability."""
        if self.neighbours < 2 or self.neighbours % 2:
            raise InputError(f"neighbours is {self.neighbours}; give an even number from 2")
        check_probability("rewiring", self.rewiring)

    def check(self, d: int) -> None:
        """Refuse rings on which neighbours meet."""
        if d <= self.neighbours:
            raise InputError(
                f"{d} variables have no {self.neighbours} neighbours each; "
                f"give at least {self.neighbours + 1}"
            )

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw graphs, shape (M, d, d)."""
        sides = range(1, self.neighbours // 2 + 1)
        uniform = streams.at(Site.GRAPH, range(d), sides).uniform(1 + d)  # (M, d, sides, 1 + d)
        ring = np.zeros((d, d), dtype=np.bool_)
        for side in sides:
            ring |= np.eye(d, k=side, dtype=np.bool_) | np.eye(d, k=side - d, dtype=np.bool_)
        joined = np.broadcast_to(ring | ring.T, (*streams.shape, d, d)).copy()
        for side in sides:
            for one in range(d):
                numbers = uniform[:, one, side - 1]  # (M, 1 + d)
                free = ~joined[:, one] & (np.arange(d) != one)  # (M, d)
                moves = np.nonzero((numbers[:, 0] < self.rewiring) & free.any(axis=1))[0]
                other = np.where(free, numbers[:, 1:], -1.0)[moves].argmax(axis=1)
                old = (one + side) % d
                joined[moves, one, old] = joined[moves, old, one] = False
                joined[moves, one, other] = joined[moves, other, one] = True
        return _upwards(joined, streams)


@dataclass(frozen=True)
class StochasticBlock(GraphLaw):
    """Groups of nearly equal size, with more edges within them than between them."""

    blocks: int = 2
    within: float = 0.5
    between: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what is no number of groups and no probability."""
        if self.blocks < 1:
            raise InputError(f"blocks is {self.blocks}; give at least 1")
        check_probability("within", self.within)
        check_probability("between", self.between)

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw graphs, shape (M, d, d)."""
        uniform = streams.at(Site.GRAPH, range(d)).uniform(d)  # (M, d, d)
        block = np.arange(d) % self.blocks
        same = block[:, None] == block
        joined = np.triu(uniform < np.where(same, self.within, self.between), 1)
        return _upwards(joined | joined.swapaxes(1, 2), streams)


def _upwards(joined: BoolArray, streams: Streams) -> BoolArray:
    """Number the variables of undirected graphs at random and point the edges upwards."""
    words = streams.at(Site.GRAPH).branch(1).words(joined.shape[-1])
    order = np.argsort(words, axis=1, kind="stable")  # (M, d)
    models = np.arange(len(joined))[:, None, None]
    return np.triu(joined[models, order[:, :, None], order[:, None, :]], 1)
