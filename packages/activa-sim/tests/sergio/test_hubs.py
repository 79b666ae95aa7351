import numpy as np
import pytest
from activa_sim import InputError
from activa_sim.rng import model_streams
from activa_sim.sergio.hubs import HubsAndLeaves
from activa_sim.sergio.levels import levels
from activa_sim.sergio.modules import NetworkModules
from numpy.testing import assert_allclose, assert_array_equal

STREAMS = model_streams(4, "train", 0, 4000)


def test_the_defaults_give_about_the_modules_that_yeast_has() -> None:
    hubs, _ = HubsAndLeaves().draw(STREAMS, 8)
    yeast, _ = NetworkModules().draw(model_streams(4, "train", 0, 500), 8)
    for mine, theirs in (
        (hubs.sum(axis=(1, 2)), yeast.sum(axis=(1, 2))),  # edges
        (hubs.any(axis=2).sum(axis=1), yeast.any(axis=2).sum(axis=1)),  # regulators
        (hubs.sum(axis=2).max(axis=1), yeast.sum(axis=2).max(axis=1)),  # of the largest hub
        (levels(hubs).max(axis=1), levels(yeast).max(axis=1)),
    ):
        assert_allclose(mine.mean(), theirs.mean(), rtol=0.1)


@pytest.mark.parametrize("d", [1, 2, 7])
def test_every_law_of_hubs_is_acyclic_and_leaves_regulate_nothing(d: int) -> None:
    graphs, names = HubsAndLeaves(0.6, 0.6, 0.4, 0.6).draw(STREAMS[:500], d)
    assert set(names) == {"hubs"}
    assert (levels(graphs) < d).all()
    if d > 1:
        assert graphs.any(axis=(1, 2)).all()


def test_one_hub_regulates_all_others() -> None:
    graphs, _ = HubsAndLeaves(another_hub=0.0).draw(STREAMS[:200], 6)
    assert_array_equal(np.sort(graphs.sum(axis=2), axis=1)[:, ::-1], [[5, 0, 0, 0, 0, 0]] * 200)


def test_the_number_of_hubs_is_geometric() -> None:
    graphs, _ = HubsAndLeaves(another_hub=0.5, several=1.0, chained=0.0).draw(STREAMS, 9)
    counts = np.bincount(graphs.any(axis=2).sum(axis=1), minlength=4)[1:4] / 4000
    assert_allclose(counts, [0.5, 0.25, 0.125], atol=0.03)


def test_dominance_decides_which_hub_a_gene_belongs_to() -> None:
    graphs, _ = HubsAndLeaves(1.0, 0.0, 0.7, 0.0).draw(STREAMS, 3)  # two hubs and a leaf
    assert_array_equal(graphs.sum(axis=(1, 2)), 1)
    chained, _ = HubsAndLeaves(1.0, 1.0, 0.7, 0.0).draw(STREAMS, 3)
    first_is_main = levels(chained).max(axis=1) == 1  # both others hang on the first hub
    assert abs(first_is_main.mean() - 0.7) < 4 * np.sqrt(0.21 / 4000)


def test_refuses_what_is_no_probability() -> None:
    with pytest.raises(InputError, match=r"several is 1\.5"):
        HubsAndLeaves(several=1.5)
