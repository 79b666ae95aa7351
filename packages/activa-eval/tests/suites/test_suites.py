from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from activa_eval.datasets.jobs import Jobs
from activa_eval.datasets.networks import LinearGaussianNetwork
from activa_eval.datasets.sachs import CONDITIONS, Sachs
from activa_eval.datasets.tuebingen import CausePair
from activa_eval.suites import SUITES, KnownEffects, lalonde, networks, pairs
from activa_eval.suites import sachs as proteins
from numpy.testing import assert_allclose, assert_array_equal

Draw = Callable[[int], KnownEffects]


def made_up_pairs(source: str | Path | None) -> list[CausePair]:
    rng = np.random.default_rng(0)
    found = []
    for place in range(6):
        cause = rng.standard_normal(600 if place else 400)
        effect = 10.0 + 3 * cause + 0.1 * rng.standard_normal(len(cause))
        found.append(CausePair(f"pair{place}", place // 2, cause, effect))
    return found


def made_up_network(name: str, source: str | Path | None) -> LinearGaussianNetwork:
    """Three roots with five effects each, which share causes."""
    d, weights = 18, np.zeros((18, 18))
    for effect in range(3, 18):
        weights[effect % 3, effect] = weights[(effect + 1) % 3, effect] = 1.0
    return LinearGaussianNetwork(tuple(map(str, range(d))), weights, np.ones(d), np.ones(d))


def made_up_cells(source: str | Path | None) -> Sachs:
    rng = np.random.default_rng(0)
    return Sachs(
        names=("a", "b", "c"),
        observational=rng.standard_normal((300, 3)),
        conditions={name: rng.standard_normal((250, 3)) + 5.0 for name in CONDITIONS},
        targets=dict.fromkeys(CONDITIONS, 1),
        graph=np.zeros((3, 3), dtype=bool),
    )


def made_up_people(source: str | Path | None) -> Jobs:
    rng = np.random.default_rng(0)
    trained, kept, population = (rng.standard_normal((n, 10)) for n in (185, 260, 400))
    trained[:, 0], kept[:, 0], population[:, 0] = 1.0, 0.0, 0.0
    return Jobs(trained, kept, population)


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace what is read from installed packages by made-up data of the same form."""
    monkeypatch.setattr(pairs, "load_pairs", made_up_pairs)
    monkeypatch.setattr(networks, "load_network", made_up_network)
    monkeypatch.setattr(proteins, "load_sachs", made_up_cells)
    monkeypatch.setattr(lalonde, "load_jobs", made_up_people)


@pytest.mark.parametrize("name", list(SUITES))
def test_a_seed_decides_a_suite_and_targets_are_set_in_the_truth(name: str) -> None:
    batch, again, other = (SUITES[name].draw(seed) for seed in (0, 0, 1))
    assert_array_equal(batch.obs, again.obs)
    assert_array_equal(batch.interv, again.interv)
    assert not np.array_equal(batch.obs, other.obs)
    for truth in (batch.interv, batch.interv_replicate):
        wide = np.broadcast_to(batch.targets[:, :, None], truth.shape)
        set_to = np.broadcast_to(batch.values[:, :, None], truth.shape)
        assert_array_equal(truth[wide], set_to[wide])
        assert not np.array_equal(batch.interv, batch.interv_replicate)
    assert (batch.targets.sum(axis=2) == 1).all()
    assert batch.interv.shape[2] == batch.obs.shape[1]


@pytest.mark.parametrize("name", list(SUITES))
def test_every_suite_says_what_it_is_worth(name: str) -> None:
    suite = SUITES[name]
    assert suite.source
    assert suite.licence
    assert suite.caveats


def test_pairs_take_one_usable_pair_of_each_data_set() -> None:
    batch = pairs.pairs_2(0)
    assert batch.obs.shape == (3, 40, 2)
    assert batch.interv.shape == (3, 6, 40, 2)
    assert not pairs.usable(made_up_pairs(None)[0])


def test_the_truth_of_a_pair_follows_the_cause_and_not_the_effect() -> None:
    batch = pairs.pairs_2(0)
    assert batch.graphs is not None
    for model in range(3):
        cause = int(np.flatnonzero(batch.graphs[model].any(axis=1))[0])
        for query in range(6):
            rows, value = batch.interv[model, query], np.nansum(batch.values[model, query])
            if batch.targets[model, query, cause]:
                expected = 10.0 + 3 * value
                assert abs(rows[:, 1 - cause].mean() - expected) < 0.6
            else:
                assert abs(rows[:, cause].mean()) < 0.6


def test_no_row_of_a_pair_is_both_seen_and_part_of_the_truth() -> None:
    batch = pairs.pairs_2(1)
    for model in range(3):
        for query in range(6):
            free = int(np.flatnonzero(~batch.targets[model, query])[0])
            samples = (
                batch.obs[model],
                batch.interv[model, query],
                batch.interv_replicate[model, query],
            )
            values = np.concatenate([rows[:, free] for rows in samples])
            assert len(np.unique(values)) == 120


def test_closed_subsets_hold_all_causes_and_confounded_ones_lack_a_common_one() -> None:
    graph = made_up_network("", None).graph
    kinds = networks.subsets(graph)
    assert [kind for kind, _ in kinds] == ["closed"] * 5 + ["confounded"] * 5
    for kind, chosen in kinds:
        assert len(set(chosen)) == 8
        outside = np.setdiff1d(np.arange(18), chosen)
        if kind == "closed":
            assert not graph[np.ix_(outside, chosen)].any()
        else:
            assert (graph[np.ix_(outside, chosen)].sum(axis=1) >= 2).any()


def test_paths_through_variables_that_are_left_out_are_edges_of_what_is_kept() -> None:
    chain = np.zeros((4, 4), dtype=bool)
    chain[0, 1] = chain[1, 2] = chain[2, 3] = True
    kept = np.array([True, False, False, True])
    assert_array_equal(networks._seen(chain, kept), [[False, True], [False, False]])
    kept = np.array([True, False, True, True])
    assert_array_equal(
        networks._seen(chain, kept),
        [[False, True, False], [False, False, True], [False, False, False]],
    )


def test_the_truth_of_a_network_has_its_exact_mean() -> None:
    network = made_up_network("", None)
    chosen = np.array([0, 1, 2, 3, 4, 5, 6, 7])
    drawn = [networks.problem_of(network, chosen, np.random.default_rng(s)) for s in range(30)]
    root = [int(np.flatnonzero(~p.graph.any(axis=0))[0]) for p in drawn if p.graph is not None]
    for problem, place in zip(drawn, root, strict=True):
        (query,) = np.flatnonzero(problem.values[:, place] > 2.9)  # mean 1 + 2 sd of a root
        assert problem.graph is not None
        effect = int(np.flatnonzero(problem.graph[place])[0])
        # 1 + 3 of the root that is set + 1 of the other
        assert abs(problem.interv[query, :, effect].mean() - 5.0) < 0.6


def test_without_training_the_population_stays_and_the_lot_replaces_the_trained() -> None:
    batch, people = lalonde.lalonde(0), made_up_people(None)
    assert batch.graphs is None
    assert_allclose(batch.obs[0, :, 0].mean(), 0.5)
    assert np.isin(batch.obs[:, :90, 9], people.trained[:, 9]).all()
    assert np.isin(batch.interv[:, 0, :90, 9], people.not_trained[:, 9]).all()
    population = np.concatenate([batch.obs[0, 90:, 9], batch.interv[0, 0, 90:, 9]])
    assert len(np.unique(population)) == 180
