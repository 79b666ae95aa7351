import json
import warnings

import pytest
import typer
from activa_cli.console import OneSentence, grid, number, progress, show
from activa_cli.errors import InputError
from typer.testing import CliRunner

app = typer.Typer(cls=OneSentence, pretty_exceptions_enable=False)

FAILURES: dict[str, BaseException] = {
    "input": InputError("the table\nis odd; mend it"),
    "disk": OSError(28, "No space left on device", "out.csv"),
    "bug": ValueError("not ours"),
    "stop": KeyboardInterrupt("saved at step 3"),
}


@app.command()
def fail(how: str) -> None:
    raise FAILURES[how]


@app.command()
def warn() -> None:
    warnings.warn("the table is short", UserWarning, stacklevel=1)
    show({"answer": 1.5}, as_json=True)


@pytest.mark.parametrize(
    ("how", "exit_code", "sentence"),
    [
        ("input", 2, "activa: the table is odd; mend it\n"),
        ("disk", 2, "activa: cannot use out.csv: No space left on device\n"),
        ("stop", 130, "activa: saved at step 3\n"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(how: str, exit_code: int, sentence: str) -> None:
    result = CliRunner().invoke(app, ["fail", how])
    assert (result.exit_code, result.stderr, result.stdout) == (exit_code, sentence, "")


def test_a_mistake_of_ours_is_not_hidden() -> None:
    result = CliRunner().invoke(app, ["fail", "bug"])
    assert isinstance(result.exception, ValueError)
    assert result.exit_code == 1


def test_a_warning_is_a_sentence_and_stays_out_of_the_answer() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = CliRunner().invoke(app, ["warn"])
    assert result.stderr == "activa: the table is short\n"
    assert json.loads(result.stdout) == {"answer": 1.5}


def test_a_table_keeps_every_cell(capsys: pytest.CaptureFixture[str]) -> None:
    show(
        grid("title", ["column", "mean"], [["a long name " * 6, number(1234.5678)]]), as_json=False
    )
    out = capsys.readouterr().out
    assert ("a long name " * 6).strip() in out
    assert "1235" in out


def test_a_missing_number_is_a_dash() -> None:
    assert number(None) == "-"


def test_progress_counts_to_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("scoring", total=2) as advance:
        advance(1, 2)
        advance(2, 2)
    assert "2/2" in capsys.readouterr().err
