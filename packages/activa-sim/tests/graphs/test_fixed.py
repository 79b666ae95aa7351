import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.graphs import Chain, Empty, GraphLaw, Pair, Star
from activa_sim.rng import model_streams
from numpy.testing import assert_array_equal
from numpy.typing import NDArray


def draw(law: GraphLaw, models: int, d: int) -> NDArray[np.bool_]:
    return law.draw(model_streams(11, "train", 0, models), d)


def edges(law: GraphLaw, d: int) -> list[list[int]]:
    """Edges of the one graph that the law gives to every model."""
    graphs = draw(law, 3, d)
    assert (graphs == graphs[:1]).all()
    listed: list[list[int]] = np.argwhere(graphs[0]).tolist()
    return listed


def test_a_pair_lacks_its_edge_as_often_as_asked() -> None:
    graphs = draw(Pair(0.2), 100_000, 2)
    assert graphs.sum() == graphs[:, 0, 1].sum()
    assert abs(graphs[:, 0, 1].mean() - 0.8) < 4 * np.sqrt(0.16 / len(graphs))


def test_shapes_have_the_edges_of_their_names() -> None:
    assert edges(Empty(), 4) == []
    assert edges(Chain(), 4) == [[0, 1], [1, 2], [2, 3]]
    assert edges(Star(), 4) == [[0, 1], [0, 2], [0, 3]]
    assert edges(Star(outward=False), 4) == [[0, 3], [1, 3], [2, 3]]


@pytest.mark.parametrize("law", [Empty(), Chain(), Star(), Star(outward=False)])
def test_one_variable_has_no_edge(law: GraphLaw) -> None:
    assert_array_equal(draw(law, 2, 1), np.zeros((2, 1, 1)))


def test_a_pair_has_two_variables_and_a_probability() -> None:
    with pytest.raises(InputError, match="the pair law has 2 variables, not 3"):
        Pair().check(3)
    with pytest.raises(InputError, match=r"no_edge_probability is -0\.1"):
        Pair(-0.1)
