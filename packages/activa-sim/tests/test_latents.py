import numpy as np
import pytest
from activa_sim import InputError, simulator
from activa_sim.graphs import Empty
from activa_sim.latents import Confounders
from activa_sim.rng import model_streams
from numpy.testing import assert_array_equal
from scipy import stats

M, d = 5000, 5


def test_hidden_variables_have_no_causes_and_at_least_two_effects() -> None:
    streams = model_streams(3, "train", 0, M)
    shown = np.broadcast_to(np.triu(np.ones((d, d), dtype=np.bool_), 1), (M, d, d))
    whole = Confounders(2, 0.3).with_hidden(streams, shown)
    assert whole.shape == (M, d + 2, d + 2)
    assert_array_equal(whole[:, 2:, 2:], shown)
    assert not whole[:, :, :2].any()
    effects = whole[:, :2, 2:].sum(axis=2)
    assert effects.min() == 2
    exact = stats.binom(d - 2, 0.3).pmf(np.arange(d - 1))
    counts = np.bincount(effects.ravel() - 2, minlength=d - 1)
    assert stats.chisquare(counts, exact * counts.sum()).pvalue > 1e-4
    assert stats.chisquare(whole[:, :2, 2:].sum(axis=(0, 1))).pvalue > 1e-4


def test_confounded_columns_correlate_without_an_edge_and_do_not_answer_each_other() -> None:
    alone = simulator("gauss-2").changed(graph=Empty())
    confounded = alone.changed(latents=Confounders())
    together = []
    for law in (alone, confounded):
        batch = law.sample(300, 200)
        assert batch.obs.shape == (300, 200, 2)
        assert batch.graphs is not None
        assert not batch.graphs.any()
        together.append(np.mean([abs(np.corrcoef(rows.T)[0, 1]) for rows in batch.obs]))
        free = np.moveaxis(batch.interv, 2, -1)[~batch.targets].reshape(300, 2, 200)[:, ::-1]
        apart = (free.mean(axis=2) - batch.obs.mean(axis=1)) / batch.obs.std(axis=1)
        assert np.abs(apart).mean() < 0.1  # no cause among the columns, so no effect
    assert together[0] < 0.1
    assert together[1] > 0.4


def test_models_do_not_depend_on_their_batch() -> None:
    law = simulator("general-2").changed(latents=Confounders(3))
    assert law.sample(10, 9)[7] == law.sample(1, 9, start=7)
    assert law.sample(2, 9).labels == {}


def test_refuses_what_cannot_be_hidden() -> None:
    with pytest.raises(InputError, match="number is 0; give at least 1, or no latents at all"):
        Confounders(0)
    with pytest.raises(InputError, match="edge_probability is 2; give a probability"):
        Confounders(edge_probability=2)
    with pytest.raises(InputError, match="1 variable cannot be confounded; give at least 2"):
        simulator("gauss-2").changed(variables=1, latents=Confounders())
