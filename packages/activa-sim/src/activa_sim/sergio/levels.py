"""Levels of regulation: which gene is simulated before which, and what to do about cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]


def levels(graphs: BoolArray) -> NDArray[np.int64]:
    """Longest path from each gene to a gene without targets, graphs (M, d, d), shape (M, d).

    A gene on a cycle, or above one, gets d.
    """
    d = graphs.shape[-1]
    level = np.zeros(graphs.shape[:-1], dtype=np.int64)
    for _ in range(d):
        above = np.where(graphs, level[..., None, :] + 1, 0).max(axis=-1)
        if np.array_equal(above, level):
            break
        level = above
    return level


def break_cycles(graph: BoolArray, roots: Sequence[int]) -> BoolArray:
    """Drop the edges that lead back, in a depth-first search from `roots` in that order.

    Targets are visited by rising index; an edge to a gene whose visit has not ended goes.

    Examples
    --------
    >>> pair = np.array([[False, True], [True, False]])
    >>> break_cycles(pair, [1, 0]).astype(int).tolist()
    [[0, 0], [1, 0]]
    """
    acyclic, unseen, open_, done = graph.copy(), 0, 1, 2
    state = [unseen] * len(graph)
    for root in roots:
        if state[root] != unseen:
            continue
        state[root] = open_
        path = [(root, _targets(graph, root))]
        while path:
            gene, targets = path[-1]
            target = next(targets, None)
            if target is None:
                state[gene] = done
                path.pop()
            elif state[target] == open_:
                acyclic[gene, target] = False
            elif state[target] == unseen:
                state[target] = open_
                path.append((target, _targets(graph, target)))
    return acyclic


def find_cycle(graph: BoolArray) -> list[int]:
    """Genes of a cycle in the order of its edges, the first one again at the end; or none.

    Examples
    --------
    >>> find_cycle(np.array([[False, True], [True, False]]))
    [0, 1, 0]
    """
    left = np.ones(len(graph), dtype=np.bool_)
    for _ in range(len(graph)):  # who has a target that is left stays
        left &= (graph & left).any(axis=1)
    if not left.any():
        return []
    walk = [int(left.argmax())]
    while walk.count(walk[-1]) == 1:
        walk.append(int((graph[walk[-1]] & left).argmax()))
    return walk[walk.index(walk[-1]) :]


def _targets(graph: BoolArray, gene: int) -> Iterator[int]:
    return iter(np.nonzero(graph[gene])[0].tolist())
