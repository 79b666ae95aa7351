"""What a table may be, and the sentence for each that it may not be."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from activa_core.errors import InputError
from activa_core.tables import label, number, position, read_table

NUMBERS = [[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]


@pytest.mark.parametrize(
    "table",
    [
        NUMBERS,
        np.array(NUMBERS, dtype=np.float32),
        np.array(NUMBERS, dtype=np.int64),
        torch.tensor(NUMBERS, requires_grad=True),
        np.array(NUMBERS, dtype=object),
    ],
    ids=["list", "float32", "int", "tensor", "object"],
)
def test_without_names_columns_are_numbered(table: Any) -> None:
    read = read_table(table)
    np.testing.assert_array_equal(read.rows, NUMBERS)
    assert read.rows.dtype == np.float64
    assert read.columns == (0, 1)
    assert read.index is None


def test_a_data_frame_keeps_its_names_and_its_index() -> None:
    frame = pd.DataFrame(
        {"age": pd.array([1, 3, 5], dtype="Int64"), "grown up": [False, True, True]},
        index=[7, 8, 9],
    )
    read = read_table(frame)
    np.testing.assert_array_equal(read.rows, [[1, 0], [3, 1], [5, 1]])
    assert read.columns == ("age", "grown up")
    assert list(read.index) == [7, 8, 9]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ([1.0, 2.0], "rows and columns, not 1 axes"),
        ([[1.0], [1.0, 2.0]], "rows of the table differ in length"),
        ([[1.0, np.nan]], "column 1 has missing values"),
        ([[1.0, None]], "column 1 has missing values"),
        ([[-np.inf, 1.0]], "column 0 holds an infinite value"),
        ([[1j, 1.0]], "column 0 holds complex128"),
        ([["1.5", "red"]], r"column 1 holds text \('red'\)"),
        (pd.DataFrame({"age": ["young"]}), r'column "age" holds text \(\'young\'\)'),
        (pd.DataFrame({"age": pd.array([1, None], dtype="Int64")}), '"age" has missing values'),
        (pd.DataFrame({"age": [1.0, None]}), 'column "age" has missing values'),
        (pd.DataFrame({"day": pd.to_datetime(["2020-01-01"])}), 'column "day" holds datetime64'),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), 'two columns are named "a"'),
    ],
)
def test_what_is_no_table_of_finite_numbers_is_refused(table: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_table(table)


def test_a_name_goes_before_a_position() -> None:
    assert position("b", ["a", "b"]) == 1
    assert position(-1, ["a", "b"]) == 1
    assert position(np.int64(0), ["a", "b"]) == 0
    assert position(0, [1, 0]) == 1


@pytest.mark.parametrize("column", ["c", 2, -3, 0.5])
def test_an_unknown_column_is_refused_and_the_known_ones_are_named(column: Any) -> None:
    with pytest.raises(InputError, match='the columns are "a", "b"'):
        position(column, ["a", "b"])


@pytest.mark.parametrize("value", ["high", None, np.nan, np.inf, [1.0, 2.0]])
def test_a_value_that_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match='for column "X" is not a finite number'):
        number(value, "X")


def test_values_come_back_under_their_labels() -> None:
    series = label(np.array([1.0, 2.0]), ["a", "b"])
    frame = label(np.array([[1.0, 2.0]]), None, ["a", "b"])
    assert series["b"] == 2.0
    assert frame.loc[0, "b"] == 2.0
