"""A CSV file in, a DataFrame out; and queries as written on the command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Hashable, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from activa_cli.console import say
from activa_cli.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["asked_about", "parse_do", "read_csv"]

DELIMITERS = (",", ";", "\t")


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table whose first line names its columns.

    A first column without a name, as pandas and R write for the labels of rows, is left out.

    Parameters
    ----------
    path : Path
        Comma, semicolon or tab separated, UTF-8. Between semicolons, a comma is a decimal comma.

    Raises
    ------
    InputError
        If there is no such file, no row in it, or its lines are not a table.
    """
    import pandas as pd

    if not path.is_file():
        raise InputError(f"there is no file {path}; give the path of a CSV file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8; save it as CSV (UTF-8)") from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    lines = [line for line in csv.reader(io.StringIO(text), delimiter=delimiter) if any(line)]
    names = [name.strip() for name in lines[0]] if lines else []
    labels = int(len(names) > 1 and not names[0])  # columns of them
    _check_names(names[labels:], path)
    _check_lines(lines, path)
    decimal = "," if delimiter == ";" and "." not in text else "."
    table = pd.read_csv(
        io.StringIO(text), sep=delimiter, decimal=decimal, skipinitialspace=True, index_col=False
    )
    if labels:
        say(f"the first column of {path} has no name; it is taken for labels of rows and left out")
    return table.set_axis(names, axis="columns").iloc[:, labels:]


def asked_about(
    table: pd.DataFrame, do: Collection[Hashable], outcomes: Sequence[str]
) -> pd.DataFrame:
    """Keep the columns that a query sets and those that it asks about, in their order.

    Raises
    ------
    InputError
        If the table has no such column, or an outcome is set.
    """
    from activa_core.tables import position

    for column in outcomes:
        if column in do:
            raise InputError(f'--do sets "{column}"; give --outcome another column')
    return table.iloc[:, sorted({position(name, list(table)) for name in (*do, *outcomes)})]


def parse_do(queries: Sequence[str]) -> dict[Hashable, float]:
    """Read "X=5" as {"X": 5.0}, one entry a query.

    Raises
    ------
    InputError
        If a query has another form, its value is not a finite number, or a column comes twice.

    Examples
    --------
    >>> parse_do(["X=5", "dose [mg]=1e3"])
    {'X': 5.0, 'dose [mg]': 1000.0}
    """
    do: dict[Hashable, float] = {}
    for query in queries:
        column, equals, text = query.rpartition("=")
        column = column.strip()
        if not (equals and column):
            raise InputError(f'cannot read --do "{query}"; write it as --do X=5')
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not isfinite(value):
            raise InputError(f'--do "{query}" sets no finite number; write it as --do "{column}=5"')
        if column in do:
            raise InputError(f'--do sets "{column}" twice; give it one value')
        do[column] = value
    return do


def _check_names(names: Sequence[str], path: Path) -> None:
    if not names:
        raise InputError(f"{path} is empty; its first line must name the columns")
    if all(_is_number(name) for name in names):
        raise InputError(f"the first line of {path} holds numbers; put the columns' names above it")
    for place, name in enumerate(names):
        if not name:
            before = f'after "{names[place - 1]}" ' if place else ""
            raise InputError(f"a column {before}in {path} has no name; give it one")
        if name in names[:place]:
            raise InputError(f'two columns of {path} are named "{name}"; rename one')


def _check_lines(lines: Sequence[Sequence[str]], path: Path) -> None:
    if len(lines) == 1:
        raise InputError(f"{path} has no rows below its column names; add some")
    for place, line in enumerate(lines[1:], start=2):
        if len(line) != len(lines[0]):
            raise InputError(
                f"line {place} of {path} has {len(line)} cells and the first has {len(lines[0])}; "
                "give every line a cell for each column"
            )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
