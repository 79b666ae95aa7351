import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from typer.testing import Result


def test_says_what_is_installed_and_what_runs() -> None:
    from activa_cli.info import this_machine

    found = this_machine()
    assert found["activa-core"] == version("activa-core")
    assert found["backend"]


def test_lists_the_shipped_models(activa: Callable[..., Result]) -> None:
    models = json.loads(activa("info", "--json").stdout)["models"]
    assert {"gauss-2", "general-2"} <= set(models)
    assert models["gauss-2"]["config"]["query"] == "index"
    printed = activa("info").stdout
    assert all(name in printed for name in models)


def test_shows_the_card_of_a_file(activa: Callable[..., Result], general: Path) -> None:
    card = json.loads(activa("info", general, "--json").stdout)
    assert (card["name"], card["value_range"]) == ("tiny", 3.0)
    assert card["parameters"] > 0
    assert "tiny" in activa("info", general).stdout


def test_an_unknown_model_names_those_that_there_are(activa: Callable[..., Result]) -> None:
    result = activa("info", "nonsense")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "general-2" in result.stderr
