from fractions import Fraction

import numpy as np
import pytest
from activa_sim import InputError
from activa_sim.rng import model_streams
from activa_sim.sergio.levels import levels
from activa_sim.sergio.modules import NetworkModules, grow_module
from activa_sim.sergio.networks import Network, from_edges
from numpy.testing import assert_array_equal
from numpy.typing import NDArray


def random_network(n: int, share: float, seed: int) -> Network:
    regulates = np.random.default_rng(seed).random((n, n)) < share
    edges = zip(*(axis.tolist() for axis in np.nonzero(regulates)), strict=True)
    return from_edges(edges, genes=range(n), name="random")


def modularity(network: Network, module: list[int]) -> Fraction:
    """Q = s^T B s / (4 m), s = 1 in the module and -1 outside, in exact arithmetic."""
    n = len(network.genes)
    directed = network.adjacency(np.arange(n))
    skeleton = directed | directed.T
    degree = [int(k) for k in skeleton.sum(axis=1)]
    m = sum(degree) // 2
    s = [1 if gene in module else -1 for gene in range(n)]
    total = Fraction(0)
    for i in range(n):
        for j in range(n):
            total += s[i] * s[j] * (int(skeleton[i, j]) - Fraction(degree[i] * degree[j], 2 * m))
    return total / (4 * m)


@pytest.mark.parametrize("regulators", [1, 3])
@pytest.mark.parametrize(("n", "share", "d"), [(12, 0.15, 6), (9, 0.06, 7), (7, 0.3, 7)])
def test_a_module_grows_by_the_best_share_of_its_neighbours(
    n: int, share: float, d: int, regulators: int
) -> None:
    for seed in range(3):
        network = random_network(n, share, seed)
        words = np.random.default_rng(seed).integers(0, 2**32, d, dtype=np.uint32)
        found = grow_module(network, 0.3, regulators, words=words)
        assert_array_equal(found, by_definition(network, 0.3, regulators, words.tolist()))


def by_definition(
    network: Network, best_share: float, regulators: int, words: list[int]
) -> list[int]:
    directed = network.adjacency(np.arange(len(network.genes)))
    skeleton = directed | directed.T
    regulates = directed.sum(axis=1) > 0
    sources = [gene for gene in range(len(directed)) if regulates[gene]]
    module = [sources[words[0] * len(sources) >> 32]]
    for word in words[1:]:
        outside = [gene for gene in range(len(directed)) if gene not in module]
        candidates = [gene for gene in outside if skeleton[gene, module].any()]
        if regulates[module].sum() < regulators:
            candidates = [gene for gene in candidates if regulates[gene]]
        candidates = candidates or outside
        candidates.sort(key=lambda gene: (-modularity(network, [*module, gene]), gene))
        best = min(int(best_share * len(candidates)) + 1, len(candidates))
        module.append(candidates[word * best >> 32])
    return sorted(module)


def draw(law: NetworkModules, models: int, d: int) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
    return law.draw(model_streams(3, "train", 0, models), d)


def test_modules_of_yeast_are_acyclic_connected_stars_for_the_most_part() -> None:
    graphs, names = draw(NetworkModules(), 300, 8)
    assert set(names) == {"yeast"}
    assert (levels(graphs) < 8).all()
    assert (graphs.any(axis=1) | graphs.any(axis=2)).mean() > 0.99
    out_degrees = np.sort(graphs.sum(axis=2), axis=1)
    assert out_degrees[:, -1].mean() > 6.0
    assert 7.0 < graphs.sum(axis=(1, 2)).mean() < 8.0


def test_columns_are_in_random_order() -> None:
    graphs, _ = draw(NetworkModules(), 2000, 5)
    share = graphs.mean(axis=0)[~np.eye(5, dtype=np.bool_)]
    assert np.abs(share - share.mean()).max() < 4.5 * np.sqrt(share.mean() / len(graphs))


def test_cycles_of_the_network_are_broken() -> None:
    ring = from_edges([(gene, (gene + 1) % 5) for gene in range(5)], name="ring")
    graphs, _ = draw(NetworkModules((ring,)), 200, 5)
    assert_array_equal(graphs.sum(axis=(1, 2)), 4)
    assert (levels(graphs).max(axis=1) == 4).all()


def test_each_model_takes_one_of_the_networks() -> None:
    star = from_edges([("hub", leaf) for leaf in "abcdef"], name="star")
    line = from_edges([(gene, gene + 1) for gene in range(9)], name="line")
    graphs, names = draw(NetworkModules((star, line)), 400, 4)
    assert abs((names == "star").sum() - 200) < 50
    assert (graphs[names == "star"].sum(axis=2).max(axis=1) == 3).all()
    assert (graphs[names == "line"].sum(axis=2).max(axis=1) == 1).all()


def test_a_model_does_not_depend_on_the_others() -> None:
    law = NetworkModules((random_network(40, 0.1, 0), "yeast"))
    whole, names = law.draw(model_streams(3, "test", 0, 20), 7)
    part, part_names = law.draw(model_streams(3, "test", 11, 3), 7)
    assert_array_equal(part, whole[11:14])
    assert_array_equal(part_names, names[11:14])


def test_refuses_networks_that_are_not_known_or_too_small() -> None:
    small = from_edges([("a", "b")], name="small")
    with pytest.raises(InputError, match='unknown network "mouse"; choose from yeast, ecoli'):
        NetworkModules(("mouse",))
    with pytest.raises(InputError, match="no network was given; choose from yeast, ecoli"):
        NetworkModules(())
    with pytest.raises(InputError, match="best_share is 2"):
        NetworkModules(best_share=2.0)
    with pytest.raises(InputError, match='"small" has 2 genes; 3 of them cannot be drawn'):
        NetworkModules((small,)).check(3)
    with pytest.raises(InputError, match='"yeast" has 4441 genes; 5000 of them'):
        NetworkModules().check(5000)
    with pytest.raises(InputError, match='"edges" has no edge'):
        NetworkModules((from_edges([], genes=["a", "b"]),)).check(2)
