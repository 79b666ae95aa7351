import numpy as np
import pytest
from activa_sim.levels import Levels
from activa_sim.mechanisms import AssortedMechanism, FourierMechanism, LinearMechanism, MechanismLaw
from activa_sim.noises import AssortedNoise, GaussianNoise
from activa_sim.queries import (
    FixedValue,
    MixedQuery,
    QueryLaw,
    RandomValue,
    Shift,
    WithinSpread,
)
from activa_sim.regimes import Model, Queries, Run, run_regimes
from activa_sim.rng import model_streams
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from scipy import stats

EACH = np.broadcast_to(np.eye(3, dtype=np.bool_), (5, 3, 3))  # one query a variable
CHAIN = np.broadcast_to(np.eye(3, k=1, dtype=np.bool_), (5, 3, 3))  # 0 -> 1 -> 2


def run(
    mechanism: MechanismLaw,
    query: QueryLaw,
    *,
    n: int = 65,
    samples: int = 1,
    coupled: bool = False,
    levels: Levels | None = None,
    branch: int = 0,
    targets: NDArray[np.bool_] = EACH,
) -> Run:
    streams = model_streams(8, "train", 0, len(CHAIN))
    noise = GaussianNoise() if isinstance(mechanism, LinearMechanism) else AssortedNoise()
    model = Model(
        CHAIN,
        mechanism.draw(streams, CHAIN),
        noise.draw(streams, 3),
        None if levels is None else levels.draw(streams, 3),
        0 if levels is None else levels.calibration,
    )
    queries = Queries(query, targets, query.choose(streams, targets.shape[1]))
    return run_regimes(model, queries, streams, n, samples=samples, coupled=coupled, branch=branch)


@pytest.mark.parametrize("mechanism", [LinearMechanism(), AssortedMechanism()])
def test_a_query_moves_its_descendants_and_nothing_else(mechanism: MechanismLaw) -> None:
    low, high = (run(mechanism, FixedValue(value, 0.0)).under_queries[0] for value in (-2.0, 2.0))
    moved = (low != high).any(axis=-1)  # (M, variable, query)
    assert_array_equal(moved, np.broadcast_to(np.tri(3, dtype=np.bool_), (5, 3, 3)))


def test_the_target_holds_the_value_in_every_row() -> None:
    result = run(AssortedMechanism(), WithinSpread(), samples=2)
    for rows in result.under_queries:
        set_rows = np.moveaxis(np.diagonal(rows, axis1=1, axis2=2), -1, 1)  # (M, d, N)
        values = np.diagonal(result.values, axis1=1, axis2=2)
        assert_array_equal(set_rows, np.repeat(values[..., None], 65, axis=2))
    assert_array_equal(np.isnan(result.values), ~EACH)


def test_regimes_have_noise_of_their_own() -> None:
    result = run(LinearMechanism(), FixedValue(), samples=2)
    first, second = result.under_queries
    root = [result.observed[:, 0], first[:, 0, 1], first[:, 0, 2], second[:, 0, 1]]
    assert np.unique(np.concatenate(root)).size == sum(rows.size for rows in root)
    assert np.unique([first[:, 0, 0], second[:, 0, 0]]).size == 2 * 5 * 65  # the jitter, too


def test_a_second_sample_leaves_everything_else_as_it_was() -> None:
    alone, twice = (run(AssortedMechanism(), WithinSpread(), samples=k) for k in (1, 2))
    assert_array_equal(alone.observed, twice.observed)
    assert_array_equal(alone.values, twice.values)
    assert_array_equal(alone.under_queries[0], twice.under_queries[0])


@pytest.mark.parametrize("mechanism", [LinearMechanism(), AssortedMechanism()])
def test_more_rows_extend_fewer(mechanism: MechanismLaw) -> None:
    few, many = (run(mechanism, FixedValue(), n=n) for n in (7, 65))
    assert_array_equal(many.observed[..., :7], few.observed)
    assert_array_equal(many.under_queries[0][..., :7], few.under_queries[0])


@pytest.mark.parametrize("levels", [None, Levels(share=1.0)])
@pytest.mark.parametrize("mechanism", [LinearMechanism(), AssortedMechanism(), FourierMechanism()])
def test_coupled_null_queries_return_the_observation_bit_for_bit(
    mechanism: MechanismLaw, levels: Levels | None
) -> None:
    nothing = np.zeros((5, 2, 3), dtype=np.bool_)
    for query, targets in ((Shift(0.0, 0.0), EACH), (FixedValue(), nothing)):
        result = run(mechanism, query, levels=levels, coupled=True, targets=targets)
        for q in range(targets.shape[1]):
            assert_array_equal(result.under_queries[0][:, :, q], result.observed)


def test_coupled_queries_leave_what_they_do_not_reach_as_observed() -> None:
    result = run(AssortedMechanism(), FixedValue(), coupled=True, samples=2)
    first, second = result.under_queries
    reached = np.tri(3, dtype=np.bool_)  # of query q: q and what comes after it
    same = (first == result.observed[:, :, None]).all(axis=-1)
    assert_array_equal(same, np.broadcast_to(~reached, same.shape))
    unreached = second[:, 0, 1], second[:, 0, 2]  # of both queries that leave the root alone
    assert_array_equal(*unreached)
    assert not (unreached[0] == result.observed[:, 0]).any()


def test_a_shift_adds_to_what_the_mechanism_gives() -> None:
    shifted = run(LinearMechanism(), Shift(2.0, 2.0), coupled=True)
    rows = np.diagonal(shifted.under_queries[0], axis1=1, axis2=2)  # (M, N, d)
    assert_array_equal(rows, np.moveaxis(shifted.observed + 2.0, 1, -1))


def test_a_random_value_follows_its_law_whatever_the_causes() -> None:
    result = run(LinearMechanism(), RandomValue(1.0, 1.0, 2.0), n=20_000)
    rows = np.diagonal(result.under_queries[0], axis1=1, axis2=2)  # (M, N, d)
    for model in rows:
        for numbers in model.T:
            assert stats.kstest(numbers, stats.norm(1.0, 2.0).cdf).pvalue > 1e-4
    causes = result.under_queries[0][:, 0, 1]  # of variable 1 under its own query
    for cause, numbers in zip(causes, rows[:, :, 1], strict=True):
        assert stats.pearsonr(cause, numbers).pvalue > 1e-4


def test_several_targets_hold_their_values_at_once() -> None:
    targets = np.broadcast_to(np.array([[True, False, True]]), (5, 1, 3))
    result = run(LinearMechanism(), FixedValue(3.0, 0.0), targets=targets)
    assert_array_equal(result.under_queries[0][:, [0, 2]], 3.0)
    assert np.unique(result.under_queries[0][:, 1]).size == 5 * 65


def test_each_query_follows_one_law_of_a_mixture_for_all_its_targets() -> None:
    everything = np.ones((5, 40, 3), dtype=np.bool_)
    query = MixedQuery((FixedValue(3.0, 0.0), FixedValue(-1.0, 0.0)), shares=(3.0, 1.0))
    result = run(LinearMechanism(), query, targets=everything)
    assert np.isin(result.values, [3.0, -1.0]).all()
    assert (result.values == result.values[:, :, :1]).all()
    first = (result.values[:, :, 0] == 3.0).mean()
    assert abs(first - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 200)
    assert_array_equal(result.under_queries[0][..., 0], np.moveaxis(result.values, 1, 2))


def test_another_branch_has_the_same_models_and_other_rows() -> None:
    one, other = (run(AssortedMechanism(), FixedValue(1.0), n=4000, branch=b) for b in (0, 2))
    assert not np.isin(other.observed, one.observed).any()
    assert not np.isin(other.under_queries[0], one.under_queries[0]).any()
    for first, second in zip(one.observed[:, 2], other.observed[:, 2], strict=True):
        assert stats.ks_2samp(first, second).pvalue > 1e-4
