import pytest
from activa_sim import InputError
from activa_sim.rng import model_streams
from activa_sim.sergio.networks import from_edges
from activa_sim.sergio.whole import WholeNetwork
from numpy.testing import assert_array_equal


def test_every_model_has_the_network_and_its_order() -> None:
    network = from_edges([("c", "a"), ("a", "b")], name="mine")
    graphs, names = WholeNetwork(network).draw(model_streams(0, "train", 0, 3), 3)
    assert_array_equal(graphs, [[[0, 1, 0], [0, 0, 0], [1, 0, 0]]] * 3)
    assert list(names) == ["mine"] * 3


def test_a_network_with_a_cycle_is_refused_and_the_cycle_named() -> None:
    edges = [("tf1", "gene"), ("tf1", "tf2"), ("tf2", "tf3"), ("tf3", "tf1")]
    with pytest.raises(InputError, match="has the cycle tf1 -> tf2 -> tf3 -> tf1; remove one"):
        WholeNetwork(from_edges(edges))


def test_refuses_another_number_of_genes() -> None:
    with pytest.raises(InputError, match='the network "edges" has 2 genes, not 3'):
        WholeNetwork(from_edges([("a", "b")])).check(3)
