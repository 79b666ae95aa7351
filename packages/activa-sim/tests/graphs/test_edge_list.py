from typing import Any

import numpy as np
import pytest
from activa_sim import InputError, simulator
from activa_sim.graphs import EdgeList
from numpy.testing import assert_array_equal


def test_columns_keep_the_numbers_that_the_user_gave_them() -> None:
    edges = ((3, 0), (0, 2), (3, 2), (4, 1))
    batch = simulator("gauss-8").changed(variables=5, graph=EdgeList(edges)).sample(7, 3)
    assert batch.graphs is not None
    for graph in batch.graphs:
        assert sorted(map(tuple, np.argwhere(graph).tolist())) == sorted(edges)
    assert_array_equal(batch.targets[0], np.eye(5))


def test_causes_come_before_their_effects() -> None:
    law = EdgeList(((3, 0), (0, 2), (4, 1)))
    places = law.places(6)
    assert sorted(places) == [0, 1, 2, 3, 4, 5]
    assert all(places[cause] < places[effect] for cause, effect in law.edges)


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ([(0, 1), (1, 2), (2, 0), (2, 3)], r"0 -> 1 -> 2 -> 0|1 -> 2 -> 0 -> 1|2 -> 0 -> 1 -> 2"),
        ([(5, 4), (4, 5)], r"4 -> 5 -> 4|5 -> 4 -> 5"),
        ([(0, 1), (1, 1)], "1 -> 1"),
        ([(0, 1), (1, 2), (2, 1), (2, 3), (3, 4)], r"1 -> 2 -> 1|2 -> 1 -> 2"),
    ],
)
def test_a_cycle_is_named(edges: Any, cycle: str) -> None:
    with pytest.raises(InputError, match=f"the edges form a cycle, ({cycle}); remove one of them"):
        EdgeList(edges)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([(0, 1, 2)], r"edges are pairs of columns; give \[\(cause, effect\), ...\]"),
        (7, "edges are pairs"),
        ([("X", "Y")], "edges are pairs"),
        ([(0, -1)], "column -1 is negative"),
    ],
)
def test_refuses_what_is_no_edge(edges: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        EdgeList(edges)


def test_refuses_columns_beyond_the_last() -> None:
    with pytest.raises(InputError, match="an edge names column 5, but 5 variables end at column 4"):
        EdgeList(((0, 5),)).check(5)
    EdgeList(()).check(1)
