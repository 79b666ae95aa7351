from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from activa_eval import (
    InputError,
    compare,
    conditional_gaussian,
    energy_distance,
    energy_test,
    eqvar,
    hedge,
    mmd,
    nll,
    no_change,
    oracle,
    score,
    score_scales,
    wasserstein,
)
from numpy.testing import assert_allclose, assert_array_equal

DISTANCES = ("mmd", "wasserstein", "energy_distance")


def fixed(rows: Any) -> Any:
    """A predictor whose every sample is `rows`."""
    return lambda *_: SimpleNamespace(sample=lambda *_: rows)


def test_each_score_is_the_metric_of_prediction_and_truth(draw_pairs: Any) -> None:
    batch = draw_pairs()
    rows = np.random.default_rng(1).standard_normal((30, 2))
    scores = score(fixed(rows), batch, n_permutations=19, seed=5)
    for model, query in np.ndindex(12, 2):
        truth = batch.interv[model, query]
        assert scores.mmd[model, query] == mmd(rows, truth)
        assert scores.wasserstein[model, query] == wasserstein(rows, truth)
        assert scores.energy_distance[model, query] == energy_distance(rows, truth)
        test = energy_test(rows, truth, n_permutations=19, seed=5)
        assert scores.p_value is not None
        assert scores.p_value[model, query] == test.p_value


def test_the_density_is_scored_on_the_true_rows(draw_pairs: Any) -> None:
    batch = draw_pairs()
    scores = score(hedge, batch)
    query = batch.obs[3], batch.targets[3, 1], batch.values[3, 1], 0
    assert scores.nll is not None
    assert_allclose(scores.nll[3, 1], nll(hedge(*query), batch.interv[3, 1]))


def test_the_reference_rows_come_in_their_order(draw_pairs: Any) -> None:
    batch = draw_pairs(models=30)
    energy = {
        row: score(row, batch).energy_distance.mean(axis=0)
        for row in (oracle, eqvar, no_change, conditional_gaussian, hedge)
    }
    assert energy[oracle].max() < 0.2
    assert energy[eqvar].max() < 0.6
    assert energy[no_change][0] > 5.0  # the query that moves V_1
    assert energy[conditional_gaussian][1] > 1.0  # the one that does not
    assert energy[hedge].mean() < energy[no_change].mean()


def test_what_a_predictor_does_not_offer_is_none(draw_pairs: Any) -> None:
    batch = draw_pairs()
    scores = score(oracle, batch)
    assert scores.nll is None
    assert scores.coverage is None
    assert scores.p_value is None
    assert set(scores.metrics()) == {*DISTANCES, "non_descendant_error", "side_probability"}
    del batch.graphs
    assert score(oracle, batch).non_descendant_error is None


def test_what_stays_and_which_side_are_scored_where_there_is_such_a_variable(
    draw_pairs: Any,
) -> None:
    batch = draw_pairs()  # do(V_0) moves V_1 and leaves nothing; do(V_1) leaves V_0
    scores = score(hedge, batch, scale="standardised")
    side, still = scores.side_probability, scores.non_descendant_error
    assert side is not None
    assert still is not None
    assert_array_equal(np.isnan(side), [[False, True]] * 12)
    assert_array_equal(np.isnan(still), [[True, False]] * 12)
    assert 0.3 < side[:, 0].mean() < 0.7  # half of the hedge stays
    found = score(oracle, batch).metrics(), score(no_change, batch).metrics()
    assert side[:, 0].mean() < found[0]["side_probability"][:, 0].mean()
    assert still[:, 1].mean() > found[1]["non_descendant_error"][:, 1].mean()
    rows = compare({"hedge": scores})
    assert {row.metric: row.nans for row in rows if row.queries == "all"}["side_probability"] == 0


def test_coverage_has_a_name_for_each_level(draw_pairs: Any) -> None:
    metrics = score(conditional_gaussian, draw_pairs(models=40)).metrics()
    expected = {"coverage_50": 0.5, "coverage_80": 0.8, "coverage_90": 0.9, "coverage_95": 0.95}
    for name, level in expected.items():  # V_0 -> V_1: the conditional is right for do(V_0)
        assert abs(metrics[name][:, 0].mean() - level) < 0.1


def test_standardised_scores_are_those_of_standardised_data(draw_pairs: Any) -> None:
    batch = draw_pairs()
    unit = batch.obs.std(axis=1, ddof=1, dtype=np.float64)  # (M, d)
    by_hand = SimpleNamespace(
        obs=batch.obs / unit[:, None],
        interv=batch.interv / unit[:, None, None],
        targets=batch.targets,
        values=batch.values / unit[:, None],
        graphs=batch.graphs,
    )
    got, expected = score(hedge, batch, scale="standardised"), score(hedge, by_hand)
    for name, values in expected.metrics().items():
        assert_allclose(got.metrics()[name], values, rtol=1e-5)
    unscaled = score(hedge, batch).metrics()  # a share of rows has no unit
    assert_allclose(got.metrics()["coverage_90"], unscaled["coverage_90"])


def test_a_constant_column_is_left_in_its_own_unit(draw_pairs: Any) -> None:
    batch = draw_pairs(models=2)
    batch.obs = batch.obs.astype(np.float64)
    batch.obs[:, :, 1] = 0.1  # whose standard deviation is rounding, not zero
    scores = score(no_change, batch, scale="standardised")
    assert scores.energy_distance.max() < 100.0


def test_missing_observations_spoil_their_model_and_a_missing_truth_its_query(
    draw_pairs: Any,
) -> None:
    batch = draw_pairs(models=4)
    clean = score(hedge, batch)
    batch.obs[1, 0, 0] = np.nan
    batch.interv[2, 1, 4, 0] = np.inf
    spoilt = score(hedge, batch)
    lost = np.zeros((4, 2), dtype=bool)
    lost[1], lost[2, 1] = True, True
    for name, values in spoilt.metrics().items():
        without = clean.meaningless.get(name, np.zeros((4, 2), dtype=bool))
        assert_array_equal(np.isnan(values), lost | without)
        assert_array_equal(values[~lost], clean.metrics()[name][~lost])
    rows = compare({"hedge": spoilt})
    nans = {row.metric: row.nans for row in rows if row.queries == "all"}
    assert nans["mmd"] == 3
    assert nans["side_probability"] == 3  # not the two queries in which nothing moves


def test_a_prediction_with_missing_rows_has_no_distance_but_its_density(draw_pairs: Any) -> None:
    batch = draw_pairs(models=2)

    def broken(*query: Any) -> Any:
        prediction = no_change(*query)
        return SimpleNamespace(
            sample=lambda n, _: np.full((n, 2), np.nan), log_prob=prediction.log_prob
        )

    scores = score(broken, batch)
    assert np.isnan(scores.mmd).all()
    assert_array_equal(scores.nll, score(no_change, batch).nll)


def test_every_query_of_every_model_is_asked_once_in_the_units_of_the_data(
    draw_pairs: Any,
) -> None:
    batch = draw_pairs(models=3)
    asked: list[tuple[Any, ...]] = []
    drawn: list[tuple[int, int]] = []

    def watching(obs: Any, targets: Any, values: Any, seed: int) -> Any:
        asked.append((obs, targets, values, seed))

        def sample(n: int, seed: int) -> Any:
            drawn.append((n, seed))
            return np.zeros((n, 2))

        return SimpleNamespace(sample=sample)

    score(watching, batch, scale="standardised")
    for place, (model, query) in enumerate(np.ndindex(3, 2)):
        assert_array_equal(asked[place][0], batch.obs[model])
        assert_array_equal(asked[place][1], batch.targets[model, query])
        assert_array_equal(asked[place][2], batch.values[model, query])
    seeds = [seed for *_, seed in asked] + [seed for _, seed in drawn]
    assert len(set(seeds)) == 12
    assert all(n == 30 for n, _ in drawn)


def test_the_seed_decides_the_scores(draw_pairs: Any) -> None:
    batch = draw_pairs(models=3)
    assert_array_equal(score(hedge, batch, seed=1).mmd, score(hedge, batch, seed=1).mmd)
    assert not np.array_equal(score(hedge, batch, seed=1).mmd, score(hedge, batch, seed=2).mmd)


def test_a_query_has_an_effect_where_its_target_has_a_child(draw_pairs: Any) -> None:
    batch = draw_pairs(models=2)
    batch.graphs[1] = False
    assert_array_equal(score(no_change, batch).has_effect, [[True, False], [False, False]])
    batch.targets[0] = True  # both are set: the child moves no more
    batch.values[0] = 3.0
    assert_array_equal(score(no_change, batch).has_effect, [[False, False], [False, False]])
    del batch.graphs
    assert score(no_change, batch).has_effect is None


def test_progress_is_told_after_each_model(draw_pairs: Any) -> None:
    told: list[tuple[int, int]] = []
    score(no_change, draw_pairs(models=3), progress=lambda *now: told.append(now))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"obs": np.zeros((4, 2))}, r"give \(M, N, d\) and \(M, Q, N, d\)"),
        ({"obs": np.zeros((5, 30, 2))}, "give the same M and d"),
        ({"obs": np.zeros((4, 30, 3))}, "give the same M and d"),
        ({"targets": np.zeros((4, 2, 2))}, r"targets \(4, 2, 2\) \(float64\)"),
        ({"values": np.zeros((4, 2))}, r"values \(4, 2\) must be"),
        ({"kind": np.array([["set", "shift"]] * 4)}, 'kind "set"'),
        ({"interv_replicate": None}, "replicate=True"),
    ],
    ids=["obs-axes", "models", "columns", "targets", "values", "kind", "replicate"],
)
def test_a_batch_that_does_not_fit_together_is_refused(
    draw_pairs: Any, change: Any, message: str
) -> None:
    batch = SimpleNamespace(**{**vars(draw_pairs(models=4)), **change})
    with pytest.raises(InputError, match=message):
        score(oracle, batch)


@pytest.mark.parametrize("rows", [np.zeros((29, 2)), np.zeros((30, 3)), np.zeros(30)])
def test_a_sample_of_the_wrong_shape_is_refused(draw_pairs: Any, rows: Any) -> None:
    with pytest.raises(InputError, match=r"sample\(30, seed\) has shape .* return \(30, 2\)"):
        score(fixed(rows), draw_pairs(models=1))


def test_all_scales_come_from_one_prediction_and_equal_those_asked_for_apart(
    draw_pairs: Any,
) -> None:
    batch = draw_pairs(models=3)
    asked: list[int] = []

    def counting(obs: Any, targets: Any, values: Any, seed: int) -> Any:
        asked.append(seed)
        return hedge(obs, targets, values, seed)

    both = score_scales(counting, batch, seed=4, n_permutations=9)
    assert len(asked) == 6  # 3 models, 2 queries
    assert list(both) == ["data", "standardised"]
    for scale, scores in both.items():
        alone = score(hedge, batch, seed=4, scale=scale, n_permutations=9)
        assert scores.scale == alone.scale == scale
        assert scores.metrics().keys() == alone.metrics().keys()
        for name, values in alone.metrics().items():
            assert_array_equal(scores.metrics()[name], values)
