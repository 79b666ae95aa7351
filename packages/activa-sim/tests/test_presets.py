import numpy as np
import pytest
from activa_sim import InputError, simulator
from numpy.testing import assert_allclose
from scipy import stats

PUBLISHED = [  # the paper's data, two numbers of each
    ("gauss-2", -0.73432183, -9.9621315),
    ("beta-2", 0.72501481, -9.2760582),
    ("gauss-8", 0.38339737, -2.067457),
    ("beta-8", 0.74994278, 0.53823334),
]


@pytest.mark.parametrize(
    ("name", "d", "edges"), [("gauss-2", 2, 0.51), ("beta-2", 2, 0.51), ("gauss-8", 8, 6.86)]
)
def test_the_papers_graphs_have_the_papers_number_of_edges(name: str, d: int, edges: float) -> None:
    graphs = simulator(name).sample(20_000, 1).graphs
    assert graphs is not None
    counts = graphs.sum(axis=(1, 2))
    assert graphs.shape == (20_000, d, d)
    assert abs(counts.mean() - edges) < 4 * counts.std() / np.sqrt(len(counts))


def test_the_papers_columns_do_not_show_the_causal_order() -> None:
    graphs = simulator("gauss-8").sample(20_000, 1).graphs
    assert graphs is not None
    share = graphs.mean(axis=0)[~np.eye(8, dtype=np.bool_)]  # of each ordered pair of columns
    assert np.abs(share - share.mean()).max() < 4.5 * np.sqrt(share.mean() / len(graphs))


def test_the_papers_queries_set_every_variable_to_five() -> None:
    batch = simulator("beta-8").sample(65, 30)
    assert (batch.targets == np.eye(8, dtype=np.bool_)).all()
    assert (batch.values[batch.targets] == 5.0).all()
    assert np.isnan(batch.values[~batch.targets]).all()
    rows = np.diagonal(batch.interv, axis1=1, axis2=3)  # (M, N, d)
    assert stats.kstest(rows.reshape(-1), stats.norm(5.0, 0.1).cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", ["general-2", "linear-gaussian-2"])
def test_pairs_point_either_way_equally_often_and_one_in_five_has_no_edge(name: str) -> None:
    batch = simulator(name).sample(20_000, 2)
    assert batch.graphs is not None
    forward, backward = batch.graphs[:, 0, 1], batch.graphs[:, 1, 0]
    counts = [forward.sum(), backward.sum(), (~forward & ~backward).sum()]
    assert sum(counts) == 20_000
    assert stats.chisquare(counts, [8000, 8000, 4000]).pvalue > 1e-4
    assert ((batch.labels["mechanism"] == "none") == ~(forward | backward)).all()


def test_general_pairs_have_unit_variances_and_values_within_three_deviations() -> None:
    batch = simulator("general-2").sample(2000, 300)
    assert_allclose(batch.obs.var(axis=1).mean(axis=0), 1.0, atol=0.02)
    obs, targets = batch.obs.astype(np.float64), batch.targets.argmax(axis=2)
    mean, sd = (np.take_along_axis(f, targets, 1) for f in (obs.mean(1), obs.std(1, ddof=1)))
    z = (batch.values[batch.targets].reshape(-1, 2) - mean) / sd
    assert stats.kstest(z.reshape(-1), stats.uniform(-3, 6).cdf).pvalue > 1e-4
    set_rows = np.diagonal(batch.interv, axis1=1, axis2=3)  # (M, N, d)
    assert (set_rows == batch.values[batch.targets].reshape(-1, 1, 2)).all()


def test_the_cause_is_named_by_the_graph() -> None:
    batch = simulator("general-2").sample(8000, 200)
    assert batch.graphs is not None
    uniform = np.abs(batch.obs).max(axis=1) < np.sqrt(3)  # (M, d): a uniform cause stays within
    for first, second in ((0, 1), (1, 0)):
        causes = batch.graphs[:, first, second] & (batch.labels["cause_noise"] == "uniform")
        assert causes.sum() > 50
        assert uniform[causes, first].all()
    apart = batch.labels["mechanism"] == "none"
    for column, label in enumerate(("cause_noise", "effect_noise")):
        assert uniform[apart & (batch.labels[label] == "uniform"), column].all()


def test_linear_gaussian_pairs_look_the_same_from_both_sides() -> None:
    batch = simulator("linear-gaussian-2").sample(2000, 500)
    assert set(batch.labels["cause_noise"]) | set(batch.labels["effect_noise"]) == {"gaussian"}
    assert set(batch.labels["mechanism"]) == {"linear", "none"}
    x = batch.obs.astype(np.float64) - batch.obs.mean(axis=1, keepdims=True)
    x /= x.std(axis=1, keepdims=True)
    # the third-order moments tell an effect from its cause if anything does
    difference = (x[..., 0] ** 2 * x[..., 1]).mean(axis=1) - (x[..., 1] ** 2 * x[..., 0]).mean(
        axis=1
    )
    assert stats.ttest_1samp(difference, 0.0).pvalue > 1e-4


@pytest.mark.parametrize(("name", "obs", "interv"), PUBLISHED)
def test_data_are_those_that_were_published(name: str, obs: float, interv: float) -> None:
    batch = simulator(name).sample(2, 5, seed=1, split="test", start=3)
    # the last digits may differ between versions of numpy, the numbers may not
    assert batch.obs[1, 4, 1] == pytest.approx(obs, rel=1e-5)
    assert batch.interv[1, 1, 4, 0] == pytest.approx(interv, rel=1e-5)


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match='unknown preset "gauss-3"; choose one of gauss-2, beta-2'):
        simulator("gauss-3")
