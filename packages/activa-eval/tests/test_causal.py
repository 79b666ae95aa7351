from typing import Any

import numpy as np
import pytest
from activa_eval import (
    InputError,
    descendants,
    energy_distance,
    non_descendant_error,
    side_probability,
)
from numpy.testing import assert_allclose, assert_array_equal

RNG = np.random.default_rng(0)
CHAIN = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]], dtype=bool)  # 3 -> 2 too


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([1, 0, 0, 0], [0, 1, 1, 0]),
        ([0, 1, 0, 0], [0, 0, 1, 0]),
        ([0, 0, 1, 0], [0, 0, 0, 0]),
        ([1, 1, 0, 0], [0, 0, 1, 0]),  # the second target is not moved by the first
        ([1, 0, 0, 1], [0, 1, 1, 0]),
    ],
)
def test_descendants_are_what_paths_reach_that_no_target_blocks(
    targets: Any, expected: Any
) -> None:
    assert_array_equal(descendants(np.array(targets, dtype=bool), CHAIN), expected)


def test_a_target_in_between_blocks_the_path_behind_it() -> None:
    line = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    assert_array_equal(descendants([True, False, False], line), [False, True, True])
    cut = descendants([[True, True, False], [True, False, False]], line)
    assert_array_equal(cut, [[False, False, True], [False, True, True]])


def test_the_error_of_what_stays_is_the_energy_distance_of_those_columns() -> None:
    x, y = RNG.standard_normal((2, 5, 9, 4))
    targets = np.eye(4, dtype=bool)[[0, 1, 2, 3, 0]]
    got = non_descendant_error(x, y, targets, CHAIN)
    for pair, still in enumerate([[3], [0, 3], [0, 1, 3], [0, 1], [3]]):
        assert got[pair] == energy_distance(x[pair][:, still], y[pair][:, still])


def test_where_everything_moves_there_is_no_error_of_what_stays() -> None:
    x, y = RNG.standard_normal((2, 3, 2))
    assert np.isnan(non_descendant_error(x, y, [True, False], [[0, 1], [0, 0]]))


def test_one_graph_serves_all_queries_of_its_model() -> None:
    x, y = RNG.standard_normal((2, 2, 4, 6, 4))  # (M, Q, N, d)
    targets, graphs = np.tile(np.eye(4, dtype=bool), (2, 1, 1)), np.stack([CHAIN, CHAIN.T])
    got = non_descendant_error(x, y, targets, graphs[:, None])
    assert got.shape == (2, 4)
    assert got[1, 3] == non_descendant_error(x[1, 3], y[1, 3], targets[1, 3], graphs[1])


OBS = np.array([[-1.0, -2.0, 0.0], [1.0, 2.0, 0.0]])  # means 0
TRUTH = np.array([[5.0, 3.0, -1.0]])  # the second rises, the third falls


def test_each_side_counts_the_weight_of_the_means_that_lie_there() -> None:
    means = [[5.0, 3.0, 1.0], [5.0, -3.0, -1.0], [5.0, 0.1, -1.0], [5.0, 3.0, 0.0]]
    weights = [0.4, 0.3, 0.2, 0.1]
    got = side_probability(means, TRUTH, OBS, [True, False, False], a=weights)
    assert_allclose(got, ((0.4 + 0.1) + (0.3 + 0.2)) / 2)  # 0.1 is within 0.2 deviations


def test_only_variables_that_truly_move_count() -> None:
    small = np.array([[5.0, 0.3, -1.0]])  # 0.3 is 0.11 observed deviations
    means = [[5.0, -3.0, -1.0]]
    assert side_probability(means, small, OBS, [True, False, False]) == 1.0
    assert side_probability(means, small, OBS, [True, False, False], threshold=0.1) == 0.5
    graphs = np.zeros((3, 3), dtype=bool)
    assert np.isnan(side_probability(means, small, OBS, [True, False, False], graphs=graphs))


def test_a_side_is_batched_and_missing_where_an_entry_is() -> None:
    x, y, obs = RNG.standard_normal((3, 4, 6, 3))
    y += 1.0
    targets = [True, False, False]
    clean = side_probability(x, y, obs, targets)
    x[1, 0, 0], obs[2, 0, 1] = np.nan, np.inf
    spoilt = side_probability(x, y, obs, targets)
    assert_array_equal(np.isnan(spoilt), [False, True, True, False])
    assert_array_equal(spoilt[[0, 3]], clean[[0, 3]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: descendants([True], CHAIN), "do not fit"),
        (lambda: descendants([0.5, 0, 0, 1], CHAIN), "targets holds other values"),
        (lambda: non_descendant_error(OBS, OBS, [True], [[0]]), "each of 3 columns"),
        (lambda: side_probability(OBS, OBS, OBS[:1], [1, 0, 0]), "at least 2 rows"),
        (lambda: side_probability(OBS, OBS, OBS, [1, 0, 0], threshold=-1.0), "threshold is -1"),
        (lambda: side_probability(OBS, OBS, OBS, [1, 0, 0], a=[2.0, -1.0]), "negative weight"),
    ],
    ids=["graph", "values", "columns", "rows", "threshold", "weights"],
)
def test_what_does_not_fit_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
