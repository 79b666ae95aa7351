import numpy as np
from activa_sim.columns import (
    draw_places,
    graph_columns,
    observed_columns,
    of_queries,
    query_columns,
)
from activa_sim.rng import model_streams
from numpy.testing import assert_array_equal
from scipy import stats

PLACES = np.array([[2, 0, 1]])  # column 0 holds variable 2, column 1 variable 0, ...


def test_every_order_of_the_columns_is_equally_likely() -> None:
    places = draw_places(model_streams(0, "train", 0, 30_000), 3)
    assert_array_equal(np.sort(places, axis=1), np.tile(np.arange(3), (30_000, 1)))
    _, counts = np.unique(places, axis=0, return_counts=True)
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 1e-4


def test_rows_follow_their_variable_to_its_column() -> None:
    rows = np.array([[[10.0, 11.0], [20.0, 21.0], [30.0, 31.0]]])  # (M, d, N)
    assert_array_equal(observed_columns(rows, PLACES), [[[30, 10, 20], [31, 11, 21]]])


def test_queries_follow_the_variable_that_they_set() -> None:
    variable, query = np.indices((3, 3))
    rows = np.asarray(10.0 * variable + query, dtype=np.float64)[None, :, :, None]  # (M, d, Q, N)
    expected = [[22, 2, 12], [20, 0, 10], [21, 1, 11]]  # one query a row, one column a variable
    assert_array_equal(query_columns(rows, PLACES, PLACES)[0, :, 0], expected)


def test_values_follow_their_targets_and_queries_their_order() -> None:
    nan = np.nan
    values = np.array([[[7, nan, nan], [nan, 8, nan], [nan, nan, 9]]])
    by_column = [[9, nan, nan], [nan, 7, nan], [nan, nan, 8]]
    assert_array_equal(of_queries(values, PLACES, PLACES)[0], by_column)
    as_they_were = np.array([[0, 1, 2]])
    assert_array_equal(of_queries(values, PLACES, as_they_were)[0], np.roll(by_column, -1, axis=0))


def test_edges_follow_their_ends() -> None:
    graphs = np.zeros((1, 3, 3), dtype=np.bool_)
    graphs[0, 0, 2] = True
    assert_array_equal(np.argwhere(graph_columns(graphs, PLACES)), [[0, 1, 0]])
