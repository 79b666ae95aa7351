from math import comb

import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.graphs import ErdosRenyi, GraphLaw, ScaleFree, StochasticBlock, WattsStrogatz
from activa_sim.rng import model_streams
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from scipy import stats

LAWS = [
    ErdosRenyi(),
    ScaleFree(),
    ScaleFree(3, "in"),
    WattsStrogatz(),
    WattsStrogatz(4, 1.0),
    StochasticBlock(3),
]


def draw(law: GraphLaw, models: int, d: int) -> NDArray[np.bool_]:
    return law.draw(model_streams(11, "train", 0, models), d)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("d", [7, 65])
def test_edges_go_from_lower_to_higher_numbers_and_differ_between_models(
    law: GraphLaw, d: int
) -> None:
    graphs = draw(law, 50, d)
    assert graphs.shape == (50, d, d)
    assert not np.tril(graphs).any()
    assert len(np.unique(graphs, axis=0)) > 40


@pytest.mark.parametrize("law", LAWS)
def test_a_graph_does_not_depend_on_how_many_are_drawn(law: GraphLaw) -> None:
    assert_array_equal(draw(law, 50, 8)[:7], draw(law, 7, 8))


def test_erdos_renyi_has_every_pair_in_order_with_the_same_probability() -> None:
    graphs = draw(ErdosRenyi(0.3), 20_000, 7)
    share = graphs.mean(axis=0)[np.triu_indices(7, 1)]
    assert np.abs(share - 0.3).max() < 4.5 * np.sqrt(0.21 / len(graphs))
    counts = graphs.sum(axis=(1, 2))
    assert abs(counts.mean() - 0.3 * comb(7, 2)) < 4 * np.sqrt(0.21 * comb(7, 2) / len(graphs))
    assert abs(counts.var() / (0.21 * comb(7, 2)) - 1) < 4 * np.sqrt(2 / len(graphs))


@pytest.mark.parametrize("hubs", ["out", "in"])
def test_scale_free_graphs_have_a_fixed_number_of_edges_on_one_side(hubs: str) -> None:
    graphs = draw(ScaleFree(2, hubs), 500, 9)  # type: ignore[arg-type]
    joined = graphs.sum(axis=1 if hubs == "out" else 2)
    expected = np.minimum(np.arange(9), 2)
    assert_array_equal(joined, np.tile(expected if hubs == "out" else expected[::-1], (500, 1)))


def test_scale_free_graphs_prefer_what_has_edges_already() -> None:
    graphs = draw(ScaleFree(1), 30_000, 4)
    # 1 joins 0, so both have weight 2; 2 joins either; then weights are 3, 2, 2 of 7
    counts = [graphs[:, 0, 2].sum(), graphs[:, 1, 2].sum()]
    assert stats.chisquare(counts).pvalue > 1e-4
    after = graphs[graphs[:, 0, 2], :, 3].sum(axis=0)[:3]
    assert stats.chisquare(after, after.sum() * np.array([3, 2, 2]) / 7).pvalue > 1e-4


def test_hubs_have_far_more_edges_than_in_a_random_graph() -> None:
    most = draw(ScaleFree(2), 300, 50).sum(axis=2).max(axis=1).mean()
    edges = draw(ScaleFree(2), 1, 50).sum() / comb(50, 2)
    assert most > 1.5 * draw(ErdosRenyi(edges), 300, 50).sum(axis=2).max(axis=1).mean()


@pytest.mark.parametrize("rewiring", [0.0, 0.3, 1.0])
def test_small_worlds_keep_their_number_of_edges(rewiring: float) -> None:
    graphs = draw(WattsStrogatz(4, rewiring), 500, 11)
    assert_array_equal(graphs.sum(axis=(1, 2)), 22)
    degrees = (graphs | graphs.swapaxes(1, 2)).sum(axis=2)
    assert (degrees == 4).all() == (rewiring == 0.0)
    assert degrees.min() >= 2  # a variable keeps the near end of the edges on one side


def test_small_worlds_rewire_as_many_edges_as_asked() -> None:
    graphs = draw(WattsStrogatz(2, 0.3), 4000, 8)
    joined = graphs | graphs.swapaxes(1, 2) | np.eye(8, dtype=np.bool_)
    connected = np.linalg.matrix_power(joined.astype(np.int64), 7).all(axis=(1, 2))
    ring = connected & (joined.sum(axis=2) == 3).all(axis=1)
    # moved edges seldom make another ring: one that moves leaves its near end where it was
    assert 0.7**8 - 0.015 < ring.mean() < 0.7**8 + 0.03


def test_blocks_have_more_edges_within_than_between() -> None:
    d, law = 9, StochasticBlock(3, within=0.8, between=0.1)  # three groups of three
    counts = draw(law, 20_000, d).sum(axis=(1, 2))
    within, between = 3 * comb(3, 2), comb(9, 2) - 3 * comb(3, 2)
    variance = 0.16 * within + 0.09 * between
    assert abs(counts.mean() - 0.8 * within - 0.1 * between) < 4 * np.sqrt(variance / len(counts))
    assert abs(counts.var() / variance - 1) < 0.05
    apart = draw(StochasticBlock(3, 1.0, 0.0), 50, d)
    joined = apart | apart.swapaxes(1, 2) | np.eye(d, dtype=np.bool_)
    assert (joined.sum(axis=2) == 3).all()
    assert ((joined.astype(np.int64) @ joined > 0) == joined).all()  # a group is closed
    assert (apart.mean(axis=0)[np.triu_indices(d, 1)] > 0).all()  # and of any variables


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ErdosRenyi(1.5), r"edge_probability is 1\.5; give a probability"),
        (lambda: ScaleFree(0), "attached is 0; give at least 1 edge"),
        (
            lambda: ScaleFree(hubs="both"),  # type: ignore[arg-type]
            'unknown direction of hubs "both"; choose from out, in',
        ),
        (lambda: WattsStrogatz(3), "neighbours is 3; give an even number from 2"),
        (lambda: WattsStrogatz(rewiring=-1), "rewiring is -1; give a probability"),
        (lambda: WattsStrogatz(4).check(4), "4 variables have no 4 neighbours each; give at lea"),
        (lambda: StochasticBlock(0), "blocks is 0; give at least 1"),
        (lambda: StochasticBlock(within=2), "within is 2; give a probability"),
        (lambda: StochasticBlock(between=2), "between is 2; give a probability"),
    ],
)
def test_refuses_parameters_that_no_graph_has(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(InputError, match=message):
        make()
