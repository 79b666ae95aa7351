import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from activa_sim import InputError, networks
from activa_sim.sergio.networks import FILES, from_edges, from_networkx, load, load_tsv
from numpy.testing import assert_array_equal


def test_yeast_is_shipped_with_the_numbers_of_its_source() -> None:
    yeast = networks.load("yeast")
    assert (yeast.name, len(yeast.genes), len(yeast.edges)) == ("yeast", 4441, 12_873)
    assert list(yeast.genes) == sorted(yeast.genes)
    assert len(yeast.regulators) == 157


def test_the_notice_of_the_shipped_network_names_its_licence_and_its_source() -> None:
    notice = Path(networks.__file__).with_name("data") / "NOTICE.md"
    text = notice.read_text(encoding="utf-8")
    for words in (
        "Balaji",
        "Thomas Schaffter & Daniel Marbach",
        "MIT license",
        "this permission notice shall",
    ):
        assert words in text


def test_ecoli_comes_from_an_installed_avici_or_the_error_says_how_to_install_it() -> None:
    try:
        distribution("avici")
    except PackageNotFoundError:
        with pytest.raises(InputError, match=r"pip install --no-deps avici==1\.0\.7"):
            load("ecoli")
    else:
        assert (len(load("ecoli").genes), len(load("ecoli").edges)) == (1565, 3648)


def test_a_file_given_by_path_is_recognised_by_its_sum(tmp_path: Path) -> None:
    other = tmp_path / "other.tsv"
    other.write_text("a\tb\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.tsv is not the \"ecoli\" network of avici"):
        load("ecoli", other)
    shipped = Path(networks.__file__).with_name("data") / FILES["yeast"][0]
    assert hashlib.sha256(shipped.read_bytes()).hexdigest() == FILES["yeast"][1]
    assert load("yeast", shipped) == load("yeast")


def test_a_table_gives_regulators_and_targets_whatever_else_it_holds(tmp_path: Path) -> None:
    table = tmp_path / "mine.tsv"
    table.write_bytes(b"b\ta\t+\r\n\r\na\tc\ta\tb\r\nb\tb\t-\r\nb\ta\t-\r\n")
    mine = load_tsv(table)
    assert (mine.name, mine.genes) == ("mine", ("a", "b", "c"))
    assert_array_equal(mine.edges, [[0, 2], [1, 0]])  # no self-loop, nothing twice
    assert load_tsv(table, name="b").name == "b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a\tb\nc\n", r"line 2 of .*broken\.tsv has one column"),
        (b"a\t \n", r"line 1 of .*broken\.tsv has one column"),
        (b"\n", 'the network "broken" has no genes'),
        (b"\xff\xfe\n", "it is no text"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "broken.tsv"
    path.write_bytes(text)
    with pytest.raises(InputError, match=message):
        load_tsv(path)


def test_a_file_that_is_not_there_and_a_name_that_is_not_known_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*none\.tsv \(No such file"):
        load_tsv(tmp_path / "none.tsv")
    with pytest.raises(InputError, match='unknown network "mouse"; choose from yeast, ecoli'):
        load("mouse")


def test_a_networkx_graph_keeps_its_genes_without_edges() -> None:
    edges = [(10, 9, 0), (10, 2, 0)]  # a multigraph's have a key
    graph = SimpleNamespace(is_directed=lambda: True, nodes=[10, 2, 9, 3], edges=edges, name="")
    network = from_networkx(graph)
    assert (network.name, network.genes) == ("graph", ("2", "3", "9", "10"))  # numbers by size
    assert_array_equal(network.edges, [[3, 0], [3, 2]])
    graph.is_directed = lambda: False
    with pytest.raises(InputError, match="the graph is undirected"):
        from_networkx(graph)


def test_a_real_networkx_graph_is_one_of_these() -> None:
    networkx = pytest.importorskip("networkx")
    graph = networkx.DiGraph([("b", "a"), ("a", "c")], name="mine")
    assert from_networkx(graph) == from_edges([("a", "c"), ("b", "a")], name="mine")


def test_the_adjacency_of_chosen_genes_is_that_of_their_edges() -> None:
    rng = np.random.default_rng(0)
    whole = rng.random((17, 17)) < 0.2
    np.fill_diagonal(whole, val=False)
    network = from_edges(
        zip(*(axis.tolist() for axis in np.nonzero(whole)), strict=True), genes=range(17)
    )
    chosen = rng.permutation(17)[:14].reshape(2, 7)
    expected = [whole[np.ix_(genes, genes)] for genes in chosen]
    assert_array_equal(network.adjacency(chosen), expected)


def test_neighbours_are_regulators_and_targets_alike_each_once() -> None:
    network = from_edges([("a", "b"), ("b", "a"), ("c", "a")], genes=["d"])
    offsets, neighbours = network.neighbours
    each = [neighbours[i:j].tolist() for i, j in pairwise(offsets)]
    assert each == [[1, 2], [0], [0], []]


def test_networks_are_equal_and_described_alike_when_name_genes_and_edges_are() -> None:
    one = from_edges([("a", "b")])
    same, other = from_edges([("a", "b"), ("a", "a")]), from_edges([("b", "a")])
    assert one == same
    assert hash(one) == hash(same)
    assert one.describe() == same.describe()
    assert one != other
    assert one.describe() != other.describe()
    assert one != "edges"


@pytest.mark.parametrize("edges", [[("a",)], [("a", "b", "c")], [3], 7])
def test_what_is_no_edge_is_refused(edges: Any) -> None:
    with pytest.raises(InputError, match=r"edges are pairs of genes; give \[\(regulator, target"):
        from_edges(edges)
