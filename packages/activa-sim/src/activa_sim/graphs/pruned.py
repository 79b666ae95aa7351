"""The paper's graphs: a directed Erdos-Renyi graph without the edges that close cycles."""

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
class PrunedErdosRenyi(GraphLaw):
    """The paper's law: a directed G(d, p) whose edges are removed at random until it is acyclic.

    Each ordered pair is an edge with probability p (cycles, two-cycles included, do occur);
    then uniformly random ones of the remaining edges go, one by one, until no cycle is left.

    Notes
    -----
    One uniform number u a pair does both: the pair is an edge if u < p, and the edges leave by
    falling u. So the edges that stay are those with u below the first one, in rising order, that
    closes a cycle. At p = 0.3 this leaves 0.51 edges on average at d = 2, where it is
    p (2 - p), and 6.86 at d = 8.
    """

    edge_probability: float = 0.3

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        check_probability("edge_probability", self.edge_probability)

    def check(self, d: int) -> None:
        """Refuse more variables than bits of the words that the graphs are kept in."""
        if d > 64:
            raise InputError(f"{d} variables are too many for this graph law; use at most 64")

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw graphs, shape (M, d, d), entry [m, i, j] says i -> j and is False for i >= j."""
        words = streams.at(Site.GRAPH).words(d * d)  # (M, d * d)
        edges = words < round(self.edge_probability * 2.0**32)
        edges &= ~np.eye(d, dtype=np.bool_).reshape(-1)
        last = np.uint32(0xFFFFFFFF)
        order = np.argsort(np.where(edges, words, last), axis=1, kind="stable")
        return _number_causally(*_add_until_a_cycle(order, edges.sum(axis=1), d))


def _add_until_a_cycle(
    order: NDArray[np.intp], edges: NDArray[np.intp], d: int
) -> tuple[BoolArray, NDArray[np.uint64]]:
    """Add the first `edges` (M,) pairs of `order` (M, d * d) until one would close a cycle.

    Returns graphs (M, d, d) and, for every variable, the set of variables that it reaches,
    itself included, as the bits of a 64-bit word (M, d).
    """
    models = np.arange(len(order))
    graphs = np.zeros((len(order), d, d), dtype=np.bool_)
    own = np.uint64(1) << np.arange(d, dtype=np.uint64)
    reach = np.broadcast_to(own, (len(order), d)).copy()
    growing = np.ones(len(order), dtype=np.bool_)
    for step in range(int(edges.max(initial=0))):
        tail, head = np.divmod(order[:, step], d)
        below, bit = reach[models, head], own[tail]
        growing &= (step < edges) & (below & bit == 0)
        graphs[models, tail, head] |= growing
        above = (reach & bit[:, None] != 0) & growing[:, None]  # (M, d)
        reach |= np.where(above, below[:, None], np.uint64(0))
    return graphs, reach


def _number_causally(graphs: BoolArray, reach: NDArray[np.uint64]) -> BoolArray:
    """Renumber the variables so that edges go upwards: who reaches more comes first."""
    d = graphs.shape[1]
    bits = (reach[..., None] >> np.arange(d, dtype=np.uint64)) & np.uint64(1)
    order = np.argsort(-bits.sum(axis=-1).astype(np.int64), axis=1, kind="stable")  # (M, d)
    models = np.arange(len(graphs))[:, None, None]
    return graphs[models, order[:, :, None], order[:, None, :]]
