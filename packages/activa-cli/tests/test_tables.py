from pathlib import Path

import pandas as pd
import pytest
from activa_cli.errors import InputError
from activa_cli.tables import parse_do, read_csv


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_reads_numbers_between_any_of_the_usual_delimiters(delimiter: str, tmp_path: Path) -> None:
    lines = [["dose [mg]", "Y"], ["1.5", "2"], ["-3", "4e1"]]
    path = tmp_path / "data.csv"
    path.write_text("\n".join(delimiter.join(cells) for cells in lines))
    table = read_csv(path)
    assert list(table.columns) == ["dose [mg]", "Y"]
    assert table.to_numpy().tolist() == [[1.5, 2.0], [-3.0, 40.0]]


def test_between_semicolons_a_comma_is_a_decimal_comma(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("X;Y\n1,5;2\n-0,25;4\n")
    assert read_csv(path).to_numpy().tolist() == [[1.5, 2.0], [-0.25, 4.0]]


def test_a_byte_order_mark_and_spaces_do_not_stick_to_the_names(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(" X , Y\n1, 2\n", encoding="utf-8-sig")
    assert list(read_csv(path).columns) == ["X", "Y"]


def test_labels_of_rows_are_no_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "data.csv"
    written = pd.DataFrame({"X": [1.0, 2.0], "Y": [3.0, 4.0]}, index=["Bonn", "Jena"])
    written.to_csv(path)
    pd.testing.assert_frame_equal(read_csv(path), written.reset_index(drop=True))
    assert "it is taken for labels of rows and left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"X,Y\n", "no rows"),
        (b"1.5,2\n3,4\n", "put the columns' names above"),
        (b"X,Y,X\n1,2,3\n", 'two columns of .* are named "X"'),
        (b"X,,Z\n1,2,3\n", 'a column after "X" in .* has no name'),
        (b",,Z\n1,2,3\n", "a column in .* has no name"),
        (b"X,Y\n1,2\n1,2,3\n", "line 3 of .* has 3 cells"),
        (b"X,Y\n1,2\n1\n", "line 3 of .* has 1 cells"),
        (b"\xff\xfe\x00X", "not a text file"),
    ],
)
def test_says_what_is_wrong_with_a_file_that_is_no_table(
    content: bytes, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        read_csv(path)


def test_a_query_may_have_an_equals_sign_in_its_column() -> None:
    assert parse_do(["a=b=-2.5", " Y = 3"]) == {"a=b": -2.5, "Y": 3.0}


@pytest.mark.parametrize(
    ("queries", "complaint"),
    [
        (["X"], 'cannot read --do "X"'),
        (["=5"], 'cannot read --do "=5"'),
        (["X=high"], "no finite number"),
        (["X=inf"], "no finite number"),
        (["X=1", "X=2"], 'sets "X" twice'),
    ],
)
def test_says_how_to_write_a_query(queries: list[str], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        parse_do(queries)
