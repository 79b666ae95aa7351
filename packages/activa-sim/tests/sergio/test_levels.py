from itertools import pairwise

import numpy as np
import pytest
from activa_sim.sergio.levels import break_cycles, find_cycle, levels
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]


def random_graphs(count: int, d: int, share: float) -> BoolArray:
    graphs = np.random.default_rng(d).random((count, d, d)) < share
    return graphs & ~np.eye(d, dtype=np.bool_)


def reaches(graph: BoolArray) -> BoolArray:
    """Whether a path of one edge or more leads from i to j."""
    paths = graph.astype(np.int64)
    for _ in range(len(graph)):
        paths = np.minimum(paths + paths @ graph, 1)
    return paths.astype(np.bool_)


def longest_path(graph: BoolArray, gene: int) -> int:
    targets = np.nonzero(graph[gene])[0].tolist()
    return max((1 + longest_path(graph, target) for target in targets), default=0)


@pytest.mark.parametrize("d", [1, 2, 7])
def test_a_level_is_the_longest_path_to_a_gene_without_targets(d: int) -> None:
    order = np.random.default_rng(1).permutation(d)
    graphs = np.triu(random_graphs(65, d, 0.4), 1)[:, order][:, :, order]
    expected = [[longest_path(graph, gene) for gene in range(d)] for graph in graphs]
    assert_array_equal(levels(graphs), expected)


def test_genes_that_reach_a_cycle_get_a_level_that_no_acyclic_graph_has() -> None:
    graphs = random_graphs(200, 5, 0.25)
    onto_cycle = np.stack([(reaches(g) & reaches(g).diagonal()).any(axis=1) for g in graphs])
    assert 0.1 < onto_cycle.mean() < 0.9
    assert_array_equal(levels(graphs) == 5, onto_cycle)


def test_broken_cycles_leave_no_cycle_and_lose_only_edges_that_were_on_one() -> None:
    roots = np.random.default_rng(2).permuted(np.tile(np.arange(6), (200, 1)), axis=1)
    for graph, order in zip(random_graphs(200, 6, 0.3), roots.tolist(), strict=True):
        acyclic = break_cycles(graph, order)
        assert not reaches(acyclic).diagonal().any()
        lost = graph & ~acyclic
        assert not (acyclic & ~graph).any()
        assert reaches(graph).T[lost].all()  # the target led back to the regulator


def test_the_search_begins_at_the_first_root_and_visits_targets_by_rising_index() -> None:
    ring = np.zeros((3, 3), dtype=np.bool_)
    ring[[0, 1, 2], [1, 2, 0]] = True
    assert not break_cycles(ring, [1, 0, 2])[0, 1]
    assert not break_cycles(ring, [2, 0, 1])[1, 2]
    both = ring | ring.T
    kept = break_cycles(both, [0, 1, 2])  # 0 -> 1 -> 2, then 0 -> 2
    assert_array_equal(kept, np.triu(np.ones((3, 3), dtype=np.bool_), 1))


def test_a_cycle_is_named_in_the_order_of_its_edges() -> None:
    found = 0
    for graph in random_graphs(200, 6, 0.2):
        cycle = find_cycle(graph)
        assert bool(cycle) == reaches(graph).diagonal().any()
        if cycle:
            found += 1
            assert cycle[0] == cycle[-1]
            assert len(set(cycle)) == len(cycle) - 1
            assert all(graph[i, j] for i, j in pairwise(cycle))
    assert 20 < found < 180
