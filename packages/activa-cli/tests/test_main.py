import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from typer.testing import Result


@pytest.mark.parametrize("command", ["predict", "simulate", "train", "evaluate", "info"])
def test_help_ends_with_an_example_of_the_command(
    command: str, activa: Callable[..., Result]
) -> None:
    result = activa(command, "--help")
    assert result.exit_code == 0
    assert f"Example: activa {command} " in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("--nonsense",), "No such option:? '?--nonsense"),
        (("predict", "--nonsense"), "No such option:? '?--nonsense"),
        (("predict",), "Missing (argument|option)"),
        (("predict", "data.csv", "--do", "X=1", "--draws", "0"), "--draws"),
        (("evaluate", "gauss-2", "--rows", "nonsense"), "--rows"),
    ],
)
def test_a_malformed_command_is_one_sentence(
    arguments: tuple[str, ...], complaint: str, activa: Callable[..., Result]
) -> None:
    result = activa(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("activa: ")
    assert re.search(complaint, result.stderr)  # whose words differ between versions of click
    assert result.stderr.endswith(" --help)\n")
    assert result.stderr.count("\n") == 1


def test_no_command_at_all_shows_the_help(activa: Callable[..., Result]) -> None:
    assert "Usage: " in activa().output


def test_help_comes_without_loading_torch() -> None:
    code = "import sys, activa_cli.main; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
