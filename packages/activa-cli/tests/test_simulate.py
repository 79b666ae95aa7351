import json
from collections.abc import Callable
from pathlib import Path

import pytest
from activa_sim import CausalBatch, simulator
from typer.testing import Result


def test_the_file_holds_what_the_simulator_draws(
    activa: Callable[..., Result], tmp_path: Path
) -> None:
    path = tmp_path / "data.npz"
    options = ("--models", 3, "--samples", 7, "--seed", 5, "--split", "test", "--json")
    result = activa("simulate", "gauss-8", "--out", path, *options)
    assert result.exit_code == 0
    assert CausalBatch.load(path) == simulator("gauss-8").sample(3, 7, seed=5, split="test")
    assert json.loads(result.stdout)["shapes"]["interv"] == [3, 8, 7, 8]


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("gauss-2", "--models", 0), ("gauss-2", "--samples", 0)]
)
def test_what_cannot_be_simulated_is_one_sentence(
    arguments: tuple[object, ...], activa: Callable[..., Result], tmp_path: Path
) -> None:
    result = activa("simulate", *arguments, "--out", tmp_path / "data.npz")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_one_sentence(
    activa: Callable[..., Result], tmp_path: Path
) -> None:
    result = activa("simulate", "gauss-2", "--models", 1, "--out", tmp_path / "no" / "data.npz")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
