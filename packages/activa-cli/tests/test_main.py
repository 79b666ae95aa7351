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


def test_an_unknown_command_exits_with_2(activa: Callable[..., Result]) -> None:
    assert activa("nonsense").exit_code == 2


def test_help_comes_without_loading_torch() -> None:
    code = "import sys, activa_cli.main; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
