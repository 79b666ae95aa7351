"""What conditional independences say of a graph: the PC algorithm, for linear Gaussian data."""

from __future__ import annotations

import math
from itertools import combinations
from statistics import NormalDist

import numpy as np

from activa_eval.arrays import BoolArray, FloatArray, IntArray

LEVEL = 0.05  # of each test of independence


def cpdag(covariance: FloatArray, rows: int, *, level: float = LEVEL) -> BoolArray:
    """Find the completed partially directed graph of a Markov equivalence class.

    PC (Spirtes & Glymour, 1991) with Fisher's z, in its stable form (Colombo & Maathuis, 2014):
    neither the skeleton nor the arrows depend on the order of the columns.

    Parameters
    ----------
    covariance : ndarray, shape (d, d)
    rows : int
        That it was estimated from.
    level : float
        Of each test.

    Returns
    -------
    ndarray of bool, shape (d, d)
        Entry [i, j] without [j, i] says i -> j; with it, an edge of unknown direction.
    """
    adjacent, separators = _skeleton(covariance, rows, NormalDist().inv_cdf(1.0 - level / 2.0))
    return _complete(_collide(adjacent, separators))


def parent_sets(graph: BoolArray, target: int) -> list[IntArray]:
    """Sets of parents that `target` has in some graph of the class, by the local rule of IDA.

    A neighbour may be a parent unless that makes a new collider of it and another parent which it
    is not adjacent to (Maathuis, Kalisch & Buhlmann, 2009). There is always at least one set.
    """
    adjacent = graph | graph.T
    certain = np.flatnonzero(graph[:, target] & ~graph[target])
    open_ends = np.flatnonzero(graph[:, target] & graph[target])
    found = []
    for size in range(len(open_ends) + 1):
        for chosen in combinations(open_ends, size):
            together = np.array([*certain, *chosen], dtype=np.intp)
            married = adjacent[np.ix_(np.array(chosen, dtype=np.intp), together)]
            if married.sum() == size * (len(together) - 1):  # nobody is adjacent to itself
                found.append(together)
    return found


def _skeleton(
    covariance: FloatArray, rows: int, critical: float
) -> tuple[BoolArray, dict[tuple[int, int], IntArray]]:
    """Return who is adjacent to whom, and what separates those who are not."""
    d = len(covariance)
    varies = covariance.diagonal() > 0.0
    adjacent = np.outer(varies, varies) & ~np.eye(d, dtype=bool)
    separators = {
        (i, j): np.empty(0, dtype=np.intp)
        for i, j in combinations(range(d), 2)
        if not adjacent[i, j]
    }
    for size in range(min(d - 1, rows - 3)):  # the test needs rows > size + 3
        before = adjacent.copy()  # so that the order of the tests does not matter
        bound = math.tanh(critical / math.sqrt(rows - size - 3))
        for i, j in zip(*np.nonzero(np.triu(before)), strict=True):
            sets = {
                subset
                for end, other in ((i, j), (j, i))
                for subset in combinations(np.flatnonzero(before[end] & ~_only(d, other)), size)
            }
            if not sets:
                continue
            given = np.array(sorted(sets), dtype=np.intp).reshape(len(sets), size)
            strength = np.abs(_partial_correlations(covariance, int(i), int(j), given))
            weakest = int(np.argmin(strength))
            if strength[weakest] <= bound:
                adjacent[i, j] = adjacent[j, i] = False
                separators[int(i), int(j)] = given[weakest]
    return adjacent, separators


def _partial_correlations(covariance: FloatArray, i: int, j: int, given: IntArray) -> FloatArray:
    """Correlation of i and j given each of K sets (K, size)."""
    ends = np.broadcast_to(np.array([i, j]), (len(given), 2))
    chosen = np.concatenate([ends, given], axis=1)  # (K, 2 + size)
    parts = covariance[chosen[:, :, None], chosen[:, None, :]]
    deviation = np.sqrt(parts.diagonal(axis1=1, axis2=2))
    precision = np.linalg.pinv(
        parts / (deviation[:, :, None] * deviation[:, None, :]), hermitian=True
    )
    scale = np.sqrt(np.maximum(precision[:, 0, 0] * precision[:, 1, 1], 1e-300))
    return np.asarray(-precision[:, 0, 1] / scale)


def _collide(adjacent: BoolArray, separators: dict[tuple[int, int], IntArray]) -> BoolArray:
    """Direct i -> k <- j where k did not separate i and j; arrows that meet head-on both fall."""
    head = np.zeros_like(adjacent)  # head[i, k]: an arrowhead at k on the edge from i
    for (i, j), separator in separators.items():
        for k in np.flatnonzero(adjacent[i] & adjacent[j]):
            if k not in separator:
                head[i, k] = head[j, k] = True
    return np.asarray(adjacent & ~(head.T & ~head))


def _complete(graph: BoolArray) -> BoolArray:
    """Direct what else must be, by the first three rules of Meek (1995), until nothing changes."""
    graph = graph.copy()
    apart = ~(graph | graph.T)
    while True:
        arrow, line = graph & ~graph.T, graph & graph.T
        counts = arrow.astype(np.intp)
        # i -> k - j with i, j apart: else k would be a collider
        away = (counts.T @ apart).astype(bool) & line
        # i -> k -> j with i - j: else there would be a cycle
        along = (counts @ counts).astype(bool) & line
        forced = away | along | _between(arrow, line, apart)
        forced &= ~forced.T  # rules that contradict each other say nothing
        if not forced.any():
            return graph
        graph &= ~forced.T


def _between(arrow: BoolArray, line: BoolArray, apart: BoolArray) -> BoolArray:
    """Direct i - j where i - k -> j and i - l -> j with k, l apart: Meek's third rule."""
    forced = np.zeros_like(arrow)
    for i, j in zip(*np.nonzero(line), strict=True):
        middle = np.flatnonzero(line[i] & arrow[:, j])
        off_diagonal = apart[np.ix_(middle, middle)] & ~np.eye(len(middle), dtype=bool)
        forced[i, j] = off_diagonal.any()
    return forced


def _only(d: int, place: int) -> BoolArray:
    chosen = np.zeros(d, dtype=bool)
    chosen[place] = True
    return chosen
