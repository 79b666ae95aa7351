"""gbn-8: eight variables of a linear Gaussian network, with and without hidden common causes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from activa_eval.arrays import BoolArray, IntArray
from activa_eval.datasets.networks import NETWORKS, LinearGaussianNetwork, load_network
from activa_eval.suites.batch import KnownEffects, Problem

ROWS = 100
VARIABLES = 8
SUBSETS = 5  # of each network and kind
DEVIATIONS = (-2.0, 2.0)
CHOICE_SEED = 0  # the subsets are part of the suite, whatever the seed of the rows


def gbn_8(seed: int, source: str | Path | None = None) -> KnownEffects:
    """Draw 100 rows of 40 subsets of four networks, each variable set to its mean +- 2 sd.

    Half of the subsets hold all causes of their members ("closed"), the others leave out at least
    one common cause ("confounded"). The truth is exact: the network's law under the query.

    Parameters
    ----------
    seed : int
        Draws the rows; the subsets are always the same.
    source : str or Path, optional
        Where pgmpy is; see `load_network`.
    """
    rng = np.random.default_rng(seed)
    problems, labels = [], {"network": list[str](), "causes": list[str]()}
    for name in NETWORKS:
        network = load_network(name, source)
        for kind, chosen in subsets(network.graph):
            problems.append(problem_of(network, chosen, rng))
            labels["network"].append(name)
            labels["causes"].append(kind)
    return KnownEffects.stack(problems, labels)


def subsets(graph: BoolArray) -> list[tuple[str, IntArray]]:
    """Choose `SUBSETS` subsets of each kind from a graph (d, d)."""
    rng = np.random.default_rng(CHOICE_SEED)
    reach = _closure(graph)
    found: dict[str, list[IntArray]] = {"closed": [], "confounded": []}
    while any(len(members) < SUBSETS for members in found.values()):
        closed = _closed_subset(graph, reach, rng)
        if closed is not None:
            found["closed"].append(closed)
        connected = _connected_subset(graph, rng)
        if connected is not None and _hides_a_common_cause(graph, connected):
            found["confounded"].append(connected)
    return [(kind, chosen) for kind, members in found.items() for chosen in members[:SUBSETS]]


def problem_of(
    network: LinearGaussianNetwork, chosen: IntArray, rng: np.random.Generator
) -> Problem:
    """Draw rows and truths of one subset."""
    kept = np.isin(np.arange(len(network.names)), chosen)
    law = network.observational().marginal(kept)
    spread = np.sqrt(law.covariance.diagonal())
    truths, values = [], []
    for place, target in enumerate(np.flatnonzero(kept)):
        for deviation in DEVIATIONS:
            value = float(law.mean[place] + deviation * spread[place])
            under = network.interventional(int(target), value).marginal(kept)
            truths.append(under.sample(2 * ROWS, rng))
            truths[-1][:, place] = value
            values.append(np.where(np.arange(VARIABLES) == place, value, np.nan))
    truth, order = np.stack(truths), rng.permutation(VARIABLES)
    return Problem(
        obs=law.sample(ROWS, rng)[:, order],
        interv=truth[:, :ROWS, order],
        interv_replicate=truth[:, ROWS:, order],
        values=np.stack(values)[:, order],
        graph=_seen(network.graph, kept)[np.ix_(order, order)],
    )


def _seen(graph: BoolArray, kept: BoolArray) -> BoolArray:
    """Who reaches whom through variables that are left out, among those that are kept."""
    hidden = graph & ~kept[:, None]  # edges that leave a variable which is left out
    through = graph | (graph @ _closure(hidden))
    return np.asarray(through[np.ix_(kept, kept)])


def _closure(graph: BoolArray) -> BoolArray:
    """Entry [i, j] says that a directed path leads from i to j, or i = j."""
    reach = graph | np.eye(len(graph), dtype=bool)
    while True:
        further = reach @ reach
        if (further == reach).all():
            return np.asarray(reach)
        reach = further


def _closed_subset(graph: BoolArray, reach: BoolArray, rng: np.random.Generator) -> IntArray | None:
    """Grow a set that holds all its ancestors, by effects of its members while there are any."""
    inside = np.zeros(len(graph), dtype=bool)
    while inside.sum() < VARIABLES:
        sizes = (reach | inside[:, None]).sum(axis=0)  # of the set with a variable's ancestors
        fits = ~inside & (sizes <= VARIABLES)
        effects = fits & graph[inside].any(axis=0)
        choices = np.flatnonzero(effects if effects.any() else fits)
        if not len(choices):
            return None
        inside |= reach[:, rng.choice(choices)]
    return np.flatnonzero(inside)


def _connected_subset(graph: BoolArray, rng: np.random.Generator) -> IntArray | None:
    """Grow a set along edges, whatever their direction."""
    inside = np.zeros(len(graph), dtype=bool)
    inside[rng.integers(len(graph))] = True
    while inside.sum() < VARIABLES:
        choices = np.flatnonzero((graph | graph.T)[inside].any(axis=0) & ~inside)
        if not len(choices):
            return None
        inside[rng.choice(choices)] = True
    return np.flatnonzero(inside)


def _hides_a_common_cause(graph: BoolArray, chosen: IntArray) -> bool:
    """Whether a variable outside reaches two inside on paths that stay outside until their end."""
    inside = np.isin(np.arange(len(graph)), chosen)
    outside_only = graph & ~inside[:, None]
    reached = _closure(outside_only)[~inside][:, inside]
    return bool((reached.sum(axis=1) >= 2).any())
