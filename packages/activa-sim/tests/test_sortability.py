import numpy as np
import pytest
from activa_sim import simulator
from activa_sim.sortability import explained_shares, sortability
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray


def by_definition(scores: NDArray[np.float64], graph: NDArray[np.bool_]) -> float:
    """Share of (length, first, last) of paths, listed one by one, whose score rises."""
    paths = {(int(i), int(j)) for i, j in np.argwhere(graph)}
    total, rising = 0, 0.0
    while paths:
        total += len(paths)
        rising += sum(0.5 if scores[i] == scores[j] else scores[i] < scores[j] for i, j in paths)
        paths = {(i, k) for i, j in paths for k in np.flatnonzero(graph[j]).tolist()}
    return rising / total if total else float("nan")


@pytest.mark.parametrize("d", [2, 5, 8])
def test_agrees_with_the_definition_path_by_path(d: int) -> None:
    graphs = simulator("gauss-8").changed(variables=d).sample(65, 1).graphs
    assert graphs is not None
    scores = np.random.default_rng(0).integers(1, 5, (65, d)).astype(np.float64)  # with ties
    expected = [by_definition(s, g) for s, g in zip(scores, graphs, strict=True)]
    assert_allclose(sortability(scores, graphs), expected)


def test_a_rising_score_is_one_a_falling_one_is_zero_and_no_edge_is_unknown() -> None:
    graphs = np.stack([np.eye(4, k=1, dtype=np.bool_)] * 2 + [np.zeros((4, 4), dtype=np.bool_)])
    scores = np.array([[1.0, 2, 3, 4], [4, 3, 2, 1], [1, 2, 3, 4]])
    assert_array_equal(sortability(scores, graphs), [1.0, 0.0, np.nan])


def test_shares_are_those_of_least_squares() -> None:
    rows = simulator("gauss-8").sample(3, 40).obs.astype(np.float64)
    for data, shares in zip(rows, explained_shares(rows), strict=True):
        for j in range(8):
            others = np.column_stack([np.delete(data, j, axis=1), np.ones(40)])
            left = data[:, j] - others @ np.linalg.lstsq(others, data[:, j], rcond=None)[0]
            assert_allclose(shares[j], 1 - left.var() / data[:, j].var(), atol=1e-7)


def test_shares_are_unknown_where_nothing_can_be_fitted() -> None:
    rows = np.random.default_rng(0).normal(size=(3, 9, 4))
    rows[1, :, 2] = 7.0
    rows[2, :, 1] = 2.0 * rows[2, :, 0] + 1.0
    shares = explained_shares(rows)
    assert_array_equal(np.isnan(shares).all(axis=1), [False, True, False])
    assert_allclose(shares[2, :2], 1.0, atol=1e-6)
    assert np.isnan(explained_shares(rows[:, :4])).all()
