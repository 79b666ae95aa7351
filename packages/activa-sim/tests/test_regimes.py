import numpy as np
import pytest
from activa_sim.mechanisms import AssortedMechanism, LinearMechanism
from activa_sim.noises import AssortedNoise, GaussianNoise
from activa_sim.queries import FixedValue, WithinSpread
from activa_sim.regimes import Run, run_regimes
from activa_sim.rng import model_streams
from numpy.testing import assert_array_equal

CHAIN = np.broadcast_to(np.eye(3, k=1, dtype=np.bool_), (5, 3, 3))  # 0 -> 1 -> 2


def run(
    mechanism: LinearMechanism | AssortedMechanism,
    query: FixedValue | WithinSpread,
    *,
    n: int = 65,
    samples: int = 1,
) -> Run:
    streams = model_streams(8, "train", 0, len(CHAIN))
    noise = GaussianNoise() if isinstance(mechanism, LinearMechanism) else AssortedNoise()
    return run_regimes(
        mechanism.draw(streams, CHAIN), noise.draw(streams, 3), query, streams, n, samples=samples
    )


@pytest.mark.parametrize("mechanism", [LinearMechanism(), AssortedMechanism()])
def test_a_query_moves_its_descendants_and_nothing_else(
    mechanism: LinearMechanism | AssortedMechanism,
) -> None:
    low, high = (run(mechanism, FixedValue(value, 0.0)).under_queries[0] for value in (-2.0, 2.0))
    moved = (low != high).any(axis=-1)  # (M, variable, query)
    assert_array_equal(moved, np.broadcast_to(np.tri(3, dtype=np.bool_), (5, 3, 3)))


def test_the_target_holds_the_value_in_every_row() -> None:
    result = run(AssortedMechanism(), WithinSpread(), samples=2)
    for rows in result.under_queries:
        set_rows = np.moveaxis(np.diagonal(rows, axis1=1, axis2=2), -1, 1)  # (M, d, N)
        assert_array_equal(set_rows, np.repeat(result.values[..., None], 65, axis=2))


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
def test_more_rows_extend_fewer(mechanism: LinearMechanism | AssortedMechanism) -> None:
    few, many = (run(mechanism, FixedValue(), n=n) for n in (7, 65))
    assert_array_equal(many.observed[..., :7], few.observed)
    assert_array_equal(many.under_queries[0][..., :7], few.under_queries[0])
