"""Laws of directed acyclic graphs, batched over models.

Every law numbers its variables causally: edges go from a lower to a higher index. The simulator
permutes the columns afterwards, so that a column's place says nothing about its causes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import InputError
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class PrunedErdosRenyi:
    """The paper's law: a directed G(d, p) whose edges are removed at random until it is acyclic.

    Each ordered pair is an edge with probability p (cycles, two-cycles included, do occur);
    then uniformly random ones of the remaining edges go, one by one, until no cycle is left.

    Notes
    -----
    One uniform number u a pair does both: the pair is an edge if u < p, and the edges leave by
    falling u. So the edges that stay are those with u below the first one, in rising order, that
    closes a cycle. Mean number of edges at p = 0.3: 0.51 for d = 2 (p (2 - p)), 6.92 for d = 8.
    """

    edge_probability: float = 0.3

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw graphs, shape (M, d, d), entry [m, i, j] says i -> j and is False for i >= j."""
        if d > 64:
            raise InputError(f"{d} variables are too many for this graph law; use at most 64")
        words = streams.at(Site.GRAPH, 1)[:, 0].words(d * d)  # (M, d * d)
        edges = words < round(self.edge_probability * 2.0**32)
        edges &= ~np.eye(d, dtype=np.bool_).reshape(-1)
        kept, reach = _add_until_a_cycle(np.where(edges, words, np.uint32(0xFFFFFFFF)), edges, d)
        return _number_causally(kept, reach)


@dataclass(frozen=True)
class Pair:
    """Two variables: no edge with the given probability, else 0 -> 1."""

    no_edge_probability: float = 0.2

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw graphs, shape (M, 2, 2), entry [m, i, j] says i -> j."""
        if d != 2:
            raise InputError(f"the pair law has 2 variables, not {d}; use another graph law")
        words = streams.at(Site.GRAPH, 1)[:, 0].words(1)
        graphs = np.zeros((*streams.shape, 2, 2), dtype=np.bool_)
        graphs[:, 0, 1] = words[:, 0] >= round(self.no_edge_probability * 2.0**32)
        return graphs


def _add_until_a_cycle(
    words: NDArray[np.uint32], edges: BoolArray, d: int
) -> tuple[BoolArray, NDArray[np.uint64]]:
    """Add edges by rising word until one would close a cycle; also say who reaches whom.

    Returns graphs (M, d, d) and, for every variable, the set of variables that it reaches,
    itself included, as the bits of a 64-bit word (M, d).
    """
    models = np.arange(len(words))
    order = np.argsort(words, axis=1, kind="stable")  # (M, d * d)
    left = edges.sum(axis=1)
    kept = np.zeros((len(words), d, d), dtype=np.bool_)
    own = np.uint64(1) << np.arange(d, dtype=np.uint64)
    reach = np.broadcast_to(own, (len(words), d)).copy()
    for step in range(int(left.max(initial=0))):
        tail, head = np.divmod(order[:, step], d)
        below = reach[models, head]
        left[(below & own[tail]) != 0] = 0  # the edge closes a cycle: it and all later ones go
        growing = left > step
        kept[models[growing], tail[growing], head[growing]] = True
        above = ((reach & own[tail][:, None]) != 0) & growing[:, None]  # (M, d)
        reach |= np.where(above, below[:, None], np.uint64(0))
    return kept, reach


def _number_causally(graphs: BoolArray, reach: NDArray[np.uint64]) -> BoolArray:
    """Renumber the variables so that edges go upwards: who reaches more comes first."""
    d = graphs.shape[1]
    bits = (reach[..., None] >> np.arange(d, dtype=np.uint64)) & np.uint64(1)
    order = np.argsort(-bits.sum(axis=-1).astype(np.int64), axis=1, kind="stable")  # (M, d)
    models = np.arange(len(graphs))[:, None, None]
    return graphs[models, order[:, :, None], order[:, None, :]]
