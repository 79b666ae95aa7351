"""A network taken whole: every model has the same, in the order of its genes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.errors import InputError
from activa_sim.sergio.levels import find_cycle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams
    from activa_sim.sergio.networks import Network


@dataclass(frozen=True)
class WholeNetwork:
    """One network without cycles for all models; column j is gene j.

    Raises
    ------
    InputError
        If the network has a cycle; the message names it.
    """

    network: Network

    def __post_init__(self) -> None:
        """Refuse a network in which no gene can be simulated first."""
        cycle = find_cycle(self._graph())
        if cycle:
            names = " -> ".join(self.network.genes[gene] for gene in cycle)
            raise InputError(
                f'the network "{self.network.name}" has the cycle {names}; '
                "remove one of these edges, or draw modules, whose cycles are broken"
            )

    def check(self, d: int) -> None:
        """Refuse another number of genes than the network has."""
        if d != len(self.network.genes):
            raise InputError(
                f'the network "{self.network.name}" has {len(self.network.genes)} genes, not {d}'
            )

    def draw(self, streams: Streams, d: int) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
        """Give graphs (M, d, d), entry [m, i, j] says i -> j, and the network's name (M,)."""
        graphs = np.broadcast_to(self._graph(), (*streams.shape, d, d)).copy()
        return graphs, np.full(streams.shape, self.network.name)

    def describe(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {"law": type(self).__name__, "network": self.network.describe()}

    def _graph(self) -> NDArray[np.bool_]:
        return self.network.adjacency(np.arange(len(self.network.genes)))
