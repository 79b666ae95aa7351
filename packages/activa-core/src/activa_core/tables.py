"""Tables in, tables out: a DataFrame, an array or a tensor becomes numbers and column names."""

import sys
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from activa_core.errors import InputError

__all__ = [
    "Column",
    "FloatArray",
    "Labelled",
    "Table",
    "label",
    "number",
    "position",
    "quote",
    "read_table",
]

LARGEST = 1e100  # of a number in a table or a query; squares of larger ones may overflow

Column: TypeAlias = Hashable
"""A column's name in a DataFrame, its position in an array."""
FloatArray: TypeAlias = NDArray[np.float64]
Labelled: TypeAlias = Any
"""A Series or DataFrame if the table was a DataFrame, else a float64 array of the same shape."""


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers with names.

    Parameters
    ----------
    rows : ndarray, shape (N, d), float64
    columns : tuple of d names
        Positions 0 ... d-1 where the table had no names.
    index : object or None
        Row labels of a DataFrame; None for anything else.
    """

    rows: FloatArray
    columns: tuple[Column, ...]
    index: Any = None

    def position(self, column: Column) -> int:
        """Place of a column given by its name or by its position."""
        return position(column, self.columns)


def read_table(table: Any) -> Table:
    """Read a table of numbers.

    Parameters
    ----------
    table : DataFrame, array_like or Tensor, shape (N, d)

    Raises
    ------
    InputError
        If it has not two axes, names a column twice or holds anything but finite numbers of at
        most 1e100.

    Examples
    --------
    >>> read_table([[1, 2], [3, 4]]).columns
    (0, 1)
    """
    pandas = sys.modules.get("pandas")  # a DataFrame can only come from a pandas in use
    if pandas is not None and isinstance(table, pandas.DataFrame):
        columns = tuple(table.columns)
        cells = [table.iloc[:, j].to_numpy() for j in range(len(columns))]
        index = table.index
    else:
        array = _as_array(table)
        columns, index = tuple(range(array.shape[1])), None
        cells = list(array.T)
    for place, column in enumerate(columns):
        if column in columns[:place]:
            raise InputError(f"two columns are named {quote(column)}; give each its own name")
    numbers = [_numbers(cell, column) for cell, column in zip(cells, columns, strict=True)]
    rows = np.stack(numbers, axis=1) if numbers else np.empty((len(table), 0))
    return Table(rows, columns, index)


def position(column: Column, columns: Sequence[Column]) -> int:
    """Place among `columns` of a name, or of a position where no column has that name."""
    if column in columns:
        return list(columns).index(column)
    if isinstance(column, int | np.integer) and -len(columns) <= column < len(columns):
        return int(column) % len(columns)
    known = ", ".join(quote(c) for c in columns)
    raise InputError(f"there is no column {quote(column)}; the columns are {known}")


def label(values: FloatArray, *axes: Any) -> Labelled:
    """Series or DataFrame of these values, one sequence of labels an axis."""
    import pandas as pd

    return pd.Series(values, *axes) if values.ndim == 1 else pd.DataFrame(values, *axes)


def number(value: Any, column: Column) -> float:
    """Read the finite number that a column is asked to take."""
    try:
        read = float(value)
    except (TypeError, ValueError):
        read = np.nan
    if not np.isfinite(read):
        raise InputError(f"the value {value!r} for column {quote(column)} is not a finite number")
    if abs(read) > LARGEST:
        raise InputError(
            f"the value {read:g} for column {quote(column)} is beyond {LARGEST:g}; use larger units"
        )
    return read


def quote(column: Column) -> str:
    """Write a column as messages do: a name in quotes, a position bare."""
    return f'"{column}"' if isinstance(column, str) else str(column)


def _as_array(table: Any) -> NDArray[Any]:
    if hasattr(table, "detach"):  # a tensor that asks for gradients or lives on a device
        table = table.detach().cpu()
    try:
        array = np.asarray(table)
    except ValueError as error:
        raise InputError(
            "the rows of the table differ in length; give every row every column"
        ) from error
    if array.ndim != 2:
        raise InputError(f"a table has rows and columns, not {array.ndim} axes; give (N, d)")
    return array


def _numbers(cells: NDArray[Any], column: Column) -> FloatArray:
    """One column in float64, or the first cell that is not a finite number."""
    if cells.dtype.kind in "mMc":
        raise InputError(
            f"column {quote(column)} holds {cells.dtype}; drop it or turn it into numbers"
        )
    try:
        numbers = np.asarray(cells, dtype=np.float64)
    except (TypeError, ValueError):
        found = next(cell for cell in cells if not _is_number(cell))
        if found is None or str(found) in {"", "<NA>", "NaT"}:
            raise InputError(_missing(column)) from None
        raise InputError(
            f"column {quote(column)} holds text ({str(found)!r}); drop it or turn it into numbers"
        ) from None
    if np.isnan(numbers).any():
        raise InputError(_missing(column))
    if np.isinf(numbers).any():
        raise InputError(f"column {quote(column)} holds an infinite value; drop those rows")
    if np.abs(numbers).max(initial=0.0) > LARGEST:
        raise InputError(
            f"column {quote(column)} holds a number beyond {LARGEST:g}; use larger units"
        )
    return numbers


def _missing(column: Column) -> str:
    return f"column {quote(column)} has missing values (NaN); drop or fill those rows"


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True
