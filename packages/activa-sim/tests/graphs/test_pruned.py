import random

import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.graphs import PrunedErdosRenyi
from activa_sim.rng import model_streams
from numpy.typing import NDArray


def draw(law: PrunedErdosRenyi, models: int, d: int) -> NDArray[np.bool_]:
    return law.draw(model_streams(11, "train", 0, models), d)


@pytest.mark.parametrize("d", [1, 2, 7, 64])
def test_edges_go_from_lower_to_higher_numbers(d: int) -> None:
    assert not np.tril(draw(PrunedErdosRenyi(), 50, d)).any()


def test_two_variables_have_an_edge_with_probability_one_half_and_a_hundredth() -> None:
    edges = draw(PrunedErdosRenyi(), 200_000, 2).sum(axis=(1, 2))
    assert edges.max() == 1
    assert abs(edges.mean() - 0.51) < 4 * np.sqrt(0.51 * 0.49 / edges.size)


def by_definition(rng: random.Random, d: int) -> int:
    """Number of edges left when random edges are removed from a directed G(d, 0.3), one by one."""
    edges = [(i, j) for i in range(d) for j in range(d) if i != j and rng.random() < 0.3]
    while has_cycle(edges, d):
        edges.pop(rng.randrange(len(edges)))
    return len(edges)


def has_cycle(edges: list[tuple[int, int]], d: int) -> bool:
    left = set(range(d))
    while sinks := {i for i in left if not any(a == i and b in left for a, b in edges)}:
        left -= sinks
    return bool(left)


def test_eight_variables_keep_as_many_edges_as_the_definition_does() -> None:
    edges = draw(PrunedErdosRenyi(), 100_000, 8).sum(axis=(1, 2))
    assert abs(edges.mean() - 6.9) < 0.05  # the paper's law
    rng = random.Random(3)
    defined = np.array([by_definition(rng, 8) for _ in range(4000)])
    error = np.sqrt(edges.var() / edges.size + defined.var() / defined.size)
    assert abs(edges.mean() - defined.mean()) < 4 * error
    assert abs(edges.std() - defined.std()) < 4 * error


@pytest.mark.parametrize(("probability", "edges"), [(0.0, 0), (1.0, 1)])
def test_extreme_probabilities_leave_no_edge_or_one(probability: float, edges: int) -> None:
    graphs = draw(PrunedErdosRenyi(probability), 9, 2)
    assert (graphs.sum(axis=(1, 2)) == edges).all()


def test_refuses_sizes_and_probabilities_that_a_law_does_not_have() -> None:
    with pytest.raises(InputError, match="65 variables are too many for this graph law; use at"):
        PrunedErdosRenyi().check(65)
    with pytest.raises(InputError, match=r"edge_probability is 1\.5; give a probability"):
        PrunedErdosRenyi(1.5)
