from typing import Any

import numpy as np
import pytest
from activa_eval import Estimate, InputError, Row, Scores, compare, no_change, oracle, score
from numpy.testing import assert_allclose

RNG = np.random.default_rng(0)


def made_up(values: Any, **others: Any) -> Scores:
    """Scores whose MMD is `values` and whose other distances are zero."""
    zeros = np.zeros(np.shape(values))
    fields: dict[str, Any] = {
        "nll": None,
        "coverage": None,
        "p_value": None,
        "has_effect": None,
        "labels": {},
    }
    fields |= {"wasserstein": zeros, "energy_distance": zeros, "scale": "data", **others}
    return Scores(mmd=np.asarray(values, dtype=float), **fields)


def one(rows: list[Row], **wanted: Any) -> Row:
    """The only row with these fields; MMD over everything unless told."""
    wanted = {"metric": "mmd", "group": None, "queries": "all"} | wanted
    found = [row for row in rows if all(getattr(row, k) == v for k, v in wanted.items())]
    assert len(found) == 1
    return found[0]


def test_queries_are_averaged_within_a_model_before_models() -> None:
    row = one(compare({"a": made_up([[1.0, np.nan], [2.0, 4.0]])}))
    assert row.estimate.mean == (1.0 + 3.0) / 2
    assert (row.models, row.nans) == (2, 1)


def test_the_median_is_that_of_the_models() -> None:
    row = one(compare({"a": made_up([[1.0, 1.0], [2.0, 4.0], [100.0, 300.0]])}))
    assert row.median == 3.0


def test_the_interval_is_the_percentile_bootstrap_over_models() -> None:
    values = RNG.exponential(size=(200, 3))
    row = one(compare({"a": made_up(values)}, level=0.9))
    means = values.mean(axis=1)
    drawn = means[RNG.integers(200, size=(20_000, 200))].mean(axis=1)
    low, high = np.percentile(drawn, [5, 95])
    width = high - low
    assert_allclose([row.estimate.low, row.estimate.high], [low, high], atol=0.1 * width)


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    scores = {"a": made_up(RNG.standard_normal((50, 2)))}
    first, again, other = (one(compare(scores, seed=s)).estimate for s in (0, 0, 1))
    assert first == again
    assert first.mean == other.mean
    assert first.low != other.low


def test_a_difference_is_paired_model_by_model() -> None:
    hard = RNG.standard_normal((100, 2)) * 10.0  # some models are hard for everyone
    rows = compare({"a": made_up(hard), "b": made_up(hard + 0.5)}, versus="a")
    difference = one(rows, name="b").difference
    assert difference is not None
    assert_allclose([difference.mean, difference.low, difference.high], 0.5)
    assert one(rows, name="a").difference is None


def test_a_difference_leaves_out_models_that_one_of_both_lacks() -> None:
    scores = {"a": made_up([[1.0], [np.nan], [3.0]]), "b": made_up([[2.0], [9.0], [5.0]])}
    difference = one(compare(scores, versus="a"), name="b").difference
    assert difference is not None
    assert difference.mean == 1.5


def test_queries_with_and_without_effect_are_reported_apart() -> None:
    effect = np.array([[True, False], [False, False]])
    rows = compare({"a": made_up([[8.0, 1.0], [2.0, np.nan]], has_effect=effect)})
    assert one(rows, queries="effect").estimate.mean == 8.0
    assert one(rows, queries="effect").models == 1
    assert one(rows, queries="effect").nans == 0  # the model without such a query is not a failure
    assert one(rows, queries="no effect").estimate.mean == 1.5
    assert one(rows, queries="no effect").nans == 1


@pytest.mark.parametrize("group_by", ["noise", np.array(["x", "y", "x"])])
def test_a_group_is_compared_as_if_it_were_alone(group_by: Any) -> None:
    values = RNG.standard_normal((3, 2))
    labels = {"noise": np.array(["x", "y", "x"])}
    rows = compare({"a": made_up(values, labels=labels)}, group_by=group_by)
    alone = one(compare({"a": made_up(values[[0, 2]])}))
    assert one(rows, group="x").estimate == alone.estimate
    assert one(rows, group="y").estimate.mean == values[1].mean()
    assert {row.group for row in rows} == {None, "x", "y"}


def test_a_group_without_such_queries_has_no_row_for_them() -> None:
    effect = np.array([[True], [False]])
    rows = compare({"a": made_up([[1.0], [2.0]], has_effect=effect)}, group_by=["x", "y"])
    assert [row for row in rows if row.group == "y" and row.queries == "effect"] == []


def test_skill_is_zero_for_the_oracle_and_one_for_knowing_nothing() -> None:
    names = {"oracle": 0.1, "no_change": 0.5, "a": 0.2}
    rows = compare({name: made_up(np.full((3, 1), v)) for name, v in names.items()})
    skills = [one(rows, name=name).skill for name in names]
    assert_allclose(np.array(skills, dtype=float), [0.0, 1.0, 0.25], atol=1e-12)
    assert one(rows, name="a", metric="wasserstein").skill is None  # floor and ceiling agree


def test_a_metric_that_a_predictor_lacks_has_no_row(draw_pairs: Any) -> None:
    batch = draw_pairs()
    rows = compare({"oracle": score(oracle, batch), "no_change": score(no_change, batch)})
    assert {row.name for row in rows if row.metric == "nll"} == {"no_change"}
    assert {row.name for row in rows if row.metric == "mmd"} == {"oracle", "no_change"}
    assert one(rows, name="no_change", metric="nll").skill is None


def test_a_density_of_zero_makes_the_mean_infinite_and_not_nan() -> None:
    scores = made_up(np.zeros((4, 1)), nll=np.array([[1.0], [np.inf], [2.0], [3.0]]))
    row = one(compare({"a": scores}), metric="nll")
    assert (row.estimate.mean, row.estimate.high, row.nans) == (np.inf, np.inf, 0)
    assert row.estimate.low < np.inf  # a resample may miss that model


def test_a_predictor_that_never_gives_a_number_is_listed_with_its_failures() -> None:
    row = one(compare({"a": made_up(np.full((3, 2), np.nan))}))
    assert np.isnan([row.estimate.mean, row.estimate.low, row.estimate.high, row.median]).all()
    assert (row.models, row.nans) == (0, 6)


def test_one_model_has_an_interval_of_no_width() -> None:
    assert one(compare({"a": made_up([[2.0]])})).estimate == Estimate(2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ({}, {}, "there are no scores"),
        ({"a": made_up([[1.0]]), "b": made_up([[1.0, 2.0]])}, {}, "not of one batch and scale"),
        ({"a": made_up([[1.0]])}, {"versus": "b"}, 'no scores named "b"'),
        ({"a": made_up([[1.0]])}, {"group_by": "noise"}, 'no label "noise"'),
        ({"a": made_up([[1.0]])}, {"group_by": ["x", "y"]}, "one label for each of 1"),
        ({"a": made_up([[1.0]])}, {"level": 1.0}, "0 < level < 1"),
        ({"a": made_up([[1.0]])}, {"n_bootstrap": 0}, "n_bootstrap >= 1"),
    ],
    ids=["empty", "shapes", "versus", "label", "groups", "level", "resamples"],
)
def test_a_comparison_that_makes_no_sense_is_refused(
    scores: Any, options: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        compare(scores, **options)
