"""Modules without a network: few hubs, many leaves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.columns import draw_places, graph_columns
from activa_sim.errors import check_probability
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams


@dataclass(frozen=True)
class HubsAndLeaves:
    """Modules of a few hubs that regulate all other genes, in random order.

    The defaults give about the numbers of regulators, edges and levels that modules of the yeast
    network have.

    Parameters
    ----------
    another_hub : float
        After each hub, the probability that there is one more.
    chained : float
        Probability that a hub after the first is regulated by earlier ones.
    dominance : float
        Of the hubs that could be a gene's regulator, the first is with this probability; else
        the second with this probability, and so on.
    several : float
        Probability that each other hub regulates a gene that is regulated, too.
    """

    another_hub: float = 0.3
    chained: float = 0.25
    dominance: float = 0.8
    several: float = 0.25

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        for name, value in asdict(self).items():
            check_probability(name, value)

    def check(self, d: int) -> None:
        """Accept any number of genes."""

    def draw(self, streams: Streams, d: int) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
        """Draw graphs (M, d, d), entry [m, i, j] says i -> j, and a name for them (M,)."""
        more = streams.at(Site.ROOT).uniform(d) < self.another_hub  # (M, d)
        hubs = 1 + np.logical_and.accumulate(more, axis=1).sum(axis=1)
        hubs = np.minimum(hubs, max(d - 1, 1))[:, None]  # (M, 1)
        uniform = streams.at(Site.MODULE, range(d)).uniform(2 * d + 1)  # (M, d, 2 d + 1)
        gene = np.arange(d)
        available = np.minimum(gene, hubs)  # (M, d): hubs that come before a gene
        regulated = (available > 0) & ((gene >= hubs) | (uniform[..., 0] < self.chained))
        turned_down = uniform[..., 1 : d + 1] >= self.dominance  # (M, d, d)
        main = np.logical_and.accumulate(turned_down, axis=2).sum(axis=2)
        main = np.minimum(main, available - 1)[..., None]  # (M, d, 1)
        could = regulated[..., None] & (gene < available[..., None])  # (M, d, d)
        by = could & ((gene == main) | (uniform[..., d + 1 :] < self.several))
        graphs = by.swapaxes(1, 2)
        return graph_columns(graphs, draw_places(streams, d)), np.full(streams.shape, "hubs")

    def describe(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {"law": type(self).__name__, **asdict(self)}
