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


def test_the_shards_together_are_one_run_bit_for_bit(
    activa: Callable[..., Result], tmp_path: Path
) -> None:
    options = ("--models", 7, "--samples", 5, "--seed", 3, "--split", "validation", "--shards", 3)
    paths = [tmp_path / f"part-{shard}.npz" for shard in range(3)]
    for shard, path in enumerate(paths):
        result = activa("simulate", "beta-2", "--out", path, "--shard", shard, *options)
        assert result.exit_code == 0
    parts = [CausalBatch.load(path) for path in paths]
    whole = simulator("beta-2").sample(7, 5, seed=3, split="validation")
    assert CausalBatch.concat(parts) == whole


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("gauss-2", "--models", 0),
        ("gauss-2", "--models", -3),
        ("gauss-2", "--samples", 0),
        ("gauss-2", "--shards", 0),
        ("gauss-2", "--shard", 1),
        ("gauss-2", "--shards", 4, "--shard", 4),
        ("gauss-2", "--shards", 4, "--shard", -1),
        ("gauss-2", "--models", 3, "--shards", 4),
    ],
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
