"""Modules of a network: subnetworks that hang together more than chance would have them.

Marbach et al. (J. Comput. Biol. 16, 2009) grow a module from a regulator, gene by gene, each
time by one of the neighbours that keep the modularity high; GeneNetWeaver made this popular.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.backend import native
from activa_sim.columns import draw_places, graph_columns
from activa_sim.errors import InputError, check_names, check_probability
from activa_sim.rng import Site
from activa_sim.sergio.levels import break_cycles, levels
from activa_sim.sergio.native import extract
from activa_sim.sergio.networks import FILES, Network, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class NetworkModules:
    """Modules of one or more networks, cycles broken, genes in random order.

    Parameters
    ----------
    networks : tuple of str or Network
        "yeast", "ecoli" or what `activa_sim.networks` makes; each model takes one at random.
    best_share : float
        A module grows by one of this share of the candidates, the best ones.
    regulators : int
        As long as the module has fewer, it grows by regulators if it can.
    """

    networks: tuple[str | Network, ...] = ("yeast",)
    best_share: float = 0.2
    regulators: int = 1

    def __post_init__(self) -> None:
        """Refuse networks that are not known and shares that are none."""
        if not self.networks:
            raise InputError("no network was given; choose from " + ", ".join(FILES))
        check_names("network", [n for n in self.networks if isinstance(n, str)] or FILES, FILES)
        check_probability("best_share", self.best_share)

    def check(self, d: int) -> None:
        """Refuse more genes than a network has."""
        for network in self.networks:
            if isinstance(network, str):
                name, n = network, FILES[network][2]
            else:
                name, n = network.name, len(network.genes)
                if not network.regulators.size:
                    raise InputError(f'the network "{name}" has no edge; give one at least')
            if not 0 < d <= n:
                raise InputError(f'the network "{name}" has {n} genes; {d} of them cannot be drawn')

    def draw(self, streams: Streams, d: int) -> tuple[BoolArray, NDArray[np.str_]]:
        """Draw graphs (M, d, d), entry [m, i, j] says i -> j, and the networks' names (M,)."""
        networks = [load(n) if isinstance(n, str) else n for n in self.networks]
        rule, library = (self.best_share, self.regulators), native()
        if library is not None:
            graphs, source = extract(library, networks, *rule, streams, d)
        else:
            graphs, source = extracted(networks, *rule, streams, d)
        names = np.array([network.name for network in networks])
        return graphs, names[source]

    def describe(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        described = [
            {"name": n, "file_sha256": FILES[n][1]} if isinstance(n, str) else n.describe()
            for n in self.networks
        ]
        rule = {"best_share": self.best_share, "regulators": self.regulators}
        return {"law": type(self).__name__, "networks": described, **rule}


def extracted(
    networks: Sequence[Network], best_share: float, regulators: int, streams: Streams, d: int
) -> tuple[BoolArray, IntArray]:
    """Draw graphs (M, d, d) and the number of each model's network (M,)."""
    words = streams.at(Site.MODULE).words(d + 1)  # (M, d + 1): network, seed, growth
    source = _below(words[:, 0], len(networks)).astype(np.int64)
    genes = [
        grow_module(networks[number], best_share, regulators, words=row)
        for number, row in zip(source, words[:, 1:], strict=True)
    ]
    graphs = np.empty((*streams.shape, d, d), dtype=np.bool_)
    for number, network in enumerate(networks):
        models = np.nonzero(source == number)[0]
        if models.size:
            graphs[models] = network.adjacency(np.array([genes[model] for model in models]))
    roots = np.argsort(streams.at(Site.ROOT).words(d), axis=1, kind="stable")
    for model in np.nonzero((levels(graphs) == d).any(axis=1))[0]:
        graphs[model] = break_cycles(graphs[model], roots[model].tolist())
    return graph_columns(graphs, draw_places(streams, d)), source


def grow_module(
    network: Network, best_share: float, regulators: int, *, words: NDArray[np.uint32]
) -> IntArray:
    """Grow one module, choosing by the given random words (d,), and sort its genes.

    Notes
    -----
    With k the degrees and m the edges of the skeleton, adding gene j to the set S changes the
    modularity by an amount that ranks like 4 m links_j - 2 k_j K_S - k_j^2, where links_j
    counts the edges from j into S and K_S sums the degrees in S: whole numbers, so ties are
    ties, and go to the lower gene.
    """
    offsets, neighbours = network.neighbours
    degree = np.diff(offsets)
    n, twice_m = len(degree), len(neighbours)
    regulates = np.zeros(n, dtype=np.bool_)
    regulates[network.regulators] = True
    links = np.zeros(n, dtype=np.int64)
    module: list[int] = []
    gene = int(network.regulators[_below(words[0], len(network.regulators))])
    for word in words[1:]:
        module.append(gene)
        links[neighbours[offsets[gene] : offsets[gene + 1]]] += 1
        links[module] = -1
        candidates = np.nonzero(links > 0)[0]
        if regulates[module].sum() < regulators:
            candidates = candidates[regulates[candidates]]
        if not candidates.size:
            candidates = np.nonzero(links >= 0)[0]
        k, total = degree[candidates], degree[module].sum()
        score = 2 * twice_m * links[candidates] - (2 * total + k) * k
        best = int(best_share * len(candidates)) + 1
        order = np.argsort(-score, kind="stable")
        gene = int(candidates[order[_below(word, min(best, len(candidates)))]])
    return np.sort(np.array([*module, gene]))


def _below(word: Any, n: int) -> Any:
    """Turn 32-bit words into whole numbers below n."""
    return (np.asarray(word, dtype=np.uint64) * np.uint64(n)) >> np.uint64(32)
