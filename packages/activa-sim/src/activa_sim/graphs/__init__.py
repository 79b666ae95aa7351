"""Laws of directed acyclic graphs, batched over models."""

from typing import TYPE_CHECKING

from activa_sim.graphs.fixed import Chain, Empty, Pair, Star
from activa_sim.graphs.law import GraphLaw
from activa_sim.graphs.pruned import PrunedErdosRenyi
from activa_sim.later import later

if TYPE_CHECKING:
    from activa_sim.graphs.edge_list import EdgeList
    from activa_sim.graphs.random import ErdosRenyi, ScaleFree, StochasticBlock, WattsStrogatz

__all__ = [
    "Chain",
    "EdgeList",
    "Empty",
    "ErdosRenyi",
    "GraphLaw",
    "Pair",
    "PrunedErdosRenyi",
    "ScaleFree",
    "Star",
    "StochasticBlock",
    "WattsStrogatz",
]

__getattr__ = later(
    __name__,
    {
        "EdgeList": "edge_list",
        "ErdosRenyi": "random",
        "ScaleFree": "random",
        "StochasticBlock": "random",
        "WattsStrogatz": "random",
    },
)
