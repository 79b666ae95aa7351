import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from activa_cli.predict import general_model
from typer.testing import Result


def test_answers_for_every_free_column_in_the_units_of_the_table(
    activa: Callable[..., Result], general: Path, table: Path
) -> None:
    result = activa("predict", table, "--do", "X=12", "--model", general, "--json")
    answer = json.loads(result.stdout)
    data = pd.read_csv(table)
    assert (result.exit_code, answer["do"], answer["rows"]) == (0, {"X": 12.0}, 60)
    assert list(answer["outcomes"]) == ["Y"]
    found = answer["outcomes"]["Y"]
    assert found["observed_mean"] == pytest.approx(data["Y"].mean())
    assert abs(found["mean"] - data["Y"].mean()) < 10 * data["Y"].std()
    assert found["row_interval"][0] < found["mean"] < found["row_interval"][1]
    assert 0 <= found["prob_moves"] <= 1


def test_the_seed_decides_the_draws(
    activa: Callable[..., Result], general: Path, table: Path
) -> None:
    def answer(seed: int) -> str:
        query = ("predict", table, "--do", "X=12", "--model", general, "--json")
        return str(activa(*query, "--draws", 3, "--seed", seed).stdout)

    assert answer(0) == answer(0) != answer(1)


def test_prints_the_same_numbers_as_a_table(
    activa: Callable[..., Result], general: Path, table: Path
) -> None:
    query = ("predict", table, "--do", "X=12", "--model", general)
    found = json.loads(activa(*query, "--json").stdout)["outcomes"]["Y"]
    printed = activa(*query).stdout
    assert "do(X = 12)" in printed
    assert all(f"{found[name]:.4g}" in printed for name in ("mean", "observed_mean"))


def test_writes_a_picture_and_predicted_rows(
    activa: Callable[..., Result], general: Path, table: Path, tmp_path: Path
) -> None:
    picture, rows = tmp_path / "effect.png", tmp_path / "rows.csv"
    query = ("predict", table, "--do", "X=12", "--model", general)
    result = activa(*query, "--plot", picture, "--samples", rows)
    assert result.exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    drawn = pd.read_csv(rows)
    assert drawn.shape == (1000, 2)
    assert (drawn["X"] == 12).all()
    assert np.isfinite(drawn["Y"]).all()


def test_of_a_wide_table_two_columns_can_be_asked_about(
    activa: Callable[..., Result], table: Path, tmp_path: Path
) -> None:
    wide = tmp_path / "wide.csv"
    pd.read_csv(table).assign(city="Bonn", W=np.nan)[["W", "X", "city", "Y"]].to_csv(wide)
    query = ("--do", "X=12", "--json")
    answers = [activa("predict", path, "--outcome", "Y", *query) for path in (table, wide)]
    narrow, found = (json.loads(answer.stdout)["outcomes"]["Y"] for answer in answers)
    assert found == narrow
    for column, complaint in (("Z", 'no column "Z"; the columns are "W", "X"'), ("X", "another")):
        result = activa("predict", wide, *query, "--outcome", column)
        assert (result.exit_code, result.stdout) == (2, "")
        assert complaint in result.stderr
    assert "choose with --outcome" in activa("predict", wide, *query).stderr


@pytest.mark.filterwarnings("default::activa_core.predict.RangeWarning")
def test_a_value_far_outside_is_answered_with_a_warning(
    activa: Callable[..., Result], general: Path, table: Path
) -> None:
    result = activa("predict", table, "--do", "X=100", "--model", general, "--json")
    assert result.exit_code == 0
    assert result.stderr.count("\n") == 1
    assert "standard deviations" in result.stderr
    json.loads(result.stdout)


def test_a_table_of_two_columns_finds_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_weights(path: Path) -> None:
        raise AssertionError(f"the head of {path} says it all")

    monkeypatch.setattr("activa_core.checkpoint.load", no_weights)
    assert general_model(2) == "general-2"


BAD_TABLES = {
    "empty": "",
    "one row": "X,Y\n1,2\n",
    "text": "X,Y\n" + "1,low\n2,high\n" * 20,
    "missing value": "X,Y\n" + "1,2\n2,\n3,5\n" * 20,
    "constant": "X,Y\n" + "1,7\n2,7\n3,7\n" * 20,
    "unequal lines": "X,Y\n1,2\n1,2,3\n",
}


@pytest.mark.parametrize("fault", BAD_TABLES)
def test_a_bad_table_is_one_sentence(
    fault: str, activa: Callable[..., Result], general: Path, tmp_path: Path
) -> None:
    path = tmp_path / "data.csv"
    path.write_text(BAD_TABLES[fault])
    assert_one_sentence(activa("predict", path, "--do", "X=1.5", "--model", general))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Z=1", 'no column "Z"'),
        ("X=high", "no finite number"),
        ("X=nan", "no finite number"),
        ("X", "write it as"),
    ],
)
def test_a_bad_query_is_one_sentence(
    query: str, names: str, activa: Callable[..., Result], general: Path, table: Path
) -> None:
    result = activa("predict", table, "--do", query, "--model", general)
    assert_one_sentence(result)
    assert names in result.stderr


def test_a_missing_file_is_one_sentence(
    activa: Callable[..., Result], general: Path, tmp_path: Path
) -> None:
    result = activa("predict", tmp_path / "nowhere.csv", "--do", "X=1", "--model", general)
    assert_one_sentence(result)


@pytest.mark.parametrize("model", [True, False], ids=["with the model named", "without"])
def test_more_columns_than_a_model_takes_is_one_sentence(
    model: bool, activa: Callable[..., Result], general: Path, tmp_path: Path
) -> None:
    path = tmp_path / "wide.csv"
    rows = np.random.default_rng(0).normal(size=(40, 60))
    pd.DataFrame(rows, columns=[f"V{j}" for j in range(60)]).to_csv(path, index=False)
    named = ("--model", general) if model else ()
    result = activa("predict", path, "--do", "V0=1", *named)
    assert_one_sentence(result)
    assert "60 columns" in result.stderr


@pytest.mark.parametrize("keep", [0, 7, 1000])
def test_a_truncated_checkpoint_is_one_sentence(
    keep: int, activa: Callable[..., Result], general: Path, table: Path, tmp_path: Path
) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(general.read_bytes()[:keep])
    result = activa("predict", table, "--do", "X=1", "--model", path)
    assert_one_sentence(result)
    assert path.name in result.stderr


def test_predicted_rows_that_cannot_be_written_are_one_sentence_with_their_path(
    activa: Callable[..., Result], general: Path, table: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere" / "rows.csv"
    result = activa("predict", table, "--do", "X=12", "--model", general, "--samples", nowhere)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert str(nowhere) in result.stderr


def test_a_picture_that_cannot_be_written_is_one_sentence(
    activa: Callable[..., Result], general: Path, table: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "no" / "such" / "folder.png"
    result = activa("predict", table, "--do", "X=12", "--model", general, "--plot", nowhere)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def assert_one_sentence(result: Result) -> None:
    """Exit code 2, nothing on stdout, one line on stderr that is not a traceback."""
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("activa: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
