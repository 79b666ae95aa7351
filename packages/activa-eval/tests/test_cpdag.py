from itertools import combinations, product

import numpy as np
import pytest
from activa_eval.cpdag import cpdag, parent_sets
from numpy.testing import assert_array_equal

COLLIDER = [(0, 2), (1, 2), (2, 3)]
CHAIN = [(0, 1), (1, 2)]
DIAMOND = [(0, 1), (0, 2), (1, 3), (2, 3)]
TRIANGLE = [(0, 1), (0, 2), (1, 2)]
PAIR: list[tuple[int, int]] = [(0, 1)]


def matrix(edges: list[tuple[int, int]], d: int) -> np.ndarray:
    graph = np.zeros((d, d), dtype=bool)
    graph[tuple(np.array(edges, dtype=int).reshape(-1, 2).T)] = True
    return graph


def colliders(graph: np.ndarray) -> set[tuple[int, int, int]]:
    d = len(graph)
    return {
        (i, k, j)
        for k in range(d)
        for i, j in combinations(range(d), 2)
        if graph[i, k] and graph[j, k] and not graph[i, j] and not graph[j, i]
    }


def acyclic(graph: np.ndarray) -> bool:
    power = graph.astype(int)
    for _ in range(len(graph)):
        power = power @ graph
    return not power.any()


def equivalents(graph: np.ndarray) -> list[np.ndarray]:
    """All acyclic graphs with the same skeleton and colliders: the class, by its definition."""
    ends = [(i, j) for i, j in combinations(range(len(graph)), 2) if graph[i, j] or graph[j, i]]
    found = []
    for flips in product([False, True], repeat=len(ends)):
        edges = [(j, i) if flip else (i, j) for (i, j), flip in zip(ends, flips, strict=True)]
        other = matrix(edges, len(graph))
        if acyclic(other) and colliders(other) == colliders(graph):
            found.append(other)
    return found


def covariance(graph: np.ndarray, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    weights = graph * rng.uniform(0.4, 1.2, graph.shape) * rng.choice([-1, 1], graph.shape)
    inverse = np.linalg.inv(np.eye(len(graph)) - weights)
    cov: np.ndarray = inverse.T @ np.diag(rng.uniform(0.5, 2.0, len(graph))) @ inverse
    return cov


def random_graphs() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    graphs = [np.triu(rng.random((5, 5)) < p, 1) for p in (0.3, 0.5, 0.7) for _ in range(5)]
    return [g[np.ix_(o, o)] for g in graphs for o in [rng.permutation(5)]]


GRAPHS = [matrix(e, 4) for e in (COLLIDER, CHAIN, DIAMOND, TRIANGLE, PAIR, [])] + random_graphs()


@pytest.mark.parametrize("graph", GRAPHS)
def test_exact_covariances_give_the_union_of_all_equivalent_graphs(graph: np.ndarray) -> None:
    # so many rows that only a partial correlation of zero, up to rounding, passes for none
    found = cpdag(covariance(graph), 10**12)
    assert_array_equal(found, np.logical_or.reduce(equivalents(graph)))


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_parent_sets_are_those_that_some_equivalent_graph_has(graph: np.ndarray) -> None:
    members = equivalents(graph)
    union = np.logical_or.reduce(members)
    for target in range(len(graph)):
        expected = {tuple(np.flatnonzero(member[:, target])) for member in members}
        found = [tuple(sorted(s)) for s in parent_sets(union, target)]
        assert set(found) == expected
        assert len(found) == len(expected)


def test_the_order_of_the_columns_does_not_matter_for_few_rows() -> None:
    rng = np.random.default_rng(3)
    for _ in range(10):
        rows = rng.normal(size=(30, 6)) @ np.triu(rng.normal(size=(6, 6)))
        order = rng.permutation(6)
        cov = np.cov(rows.T)
        assert_array_equal(
            cpdag(cov, 30)[np.ix_(order, order)], cpdag(cov[np.ix_(order, order)], 30)
        )


def test_independent_columns_are_joined_at_the_level_of_the_test() -> None:
    rng = np.random.default_rng(0)
    joined = [cpdag(np.cov(rng.normal(size=(2, 40))), 40, level=0.1)[0, 1] for _ in range(500)]
    assert abs(np.mean(joined) - 0.1) < 0.05


@pytest.mark.parametrize("rows", [2, 3, 4])
def test_hardly_any_rows_or_a_constant_column_still_give_a_graph(rows: int) -> None:
    data = np.random.default_rng(0).normal(size=(rows, 3))
    data[:, 2] = 1.0
    found = cpdag(np.cov(data.T), rows)
    assert not found[2].any()
    assert not found[:, 2].any()
