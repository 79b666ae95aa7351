"""The profile of blocks and steps counts all the work and all the time, once."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from activa_core.config import TrainConfig
from activa_core.model import CVAE
from activa_kernels import native_available

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
OURS = ("cases", "computations", "peers", "phases", "processes", "save", "stages")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Import a file of benchmarks/, where they import each other."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield import_module
    for name in OURS:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("axis", ["samples", "variables"])
def test_the_operations_of_the_phases_are_those_of_the_block(axis: str, load: Any) -> None:
    cases = load("cases")
    for shape in cases.SHAPES:
        counted = load("phases").operations(shape, axis)
        case = cases.Case("block", "forward and backward", shape, axis)
        assert sum(counted.values()) == case.flops
        forward = sum(n for (name, _), n in counted.items() if name == "forward")
        assert forward == shape.block_flops(axis=axis)


def test_a_network_that_is_watched_computes_the_same_in_every_stage(load: Any) -> None:
    stages, computations = load("stages"), load("computations")
    shape = replace(load("cases").SHAPES[1], B=3, N=5, interv_rows=4)
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        model = CVAE(computations.config_of(shape, 0.0))
        pairs, noise = computations.draw_pairs(shape, model.config)

    def gradients() -> list[torch.Tensor]:
        model.zero_grad()
        model.evidence(pairs, TrainConfig(), noise).loss(1.0, 0.0).sum().backward()  # type: ignore[no-untyped-call]
        return [p.grad for p in model.parameters() if p.grad is not None]

    plain, clock = gradients(), stages.Clock()
    start = clock.since
    with stages.watched(clock):
        found = gradients()
    clock.enter("the end")
    torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-5)
    assert clock.seconds.keys() == {stage for _, _, stage in stages.STAGES} - {"optimiser"}
    assert all(seconds > 0 for seconds in clock.seconds.values())
    assert sum(clock.seconds.values()) == pytest.approx(clock.since - start)


@pytest.mark.skipif(not native_available(), reason="what is profiled is the compiled block")
def test_the_profile_says_where_the_time_of_blocks_and_steps_goes(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "run.py"), "profile", "--out", str(tmp_path)]
    asked = ("--quick", "--only", "gauss-2")
    subprocess.run([*command, *asked], check=True, capture_output=True)
    (file,) = tmp_path.glob("profile-*.json")
    result = json.loads(file.read_text())
    assert (len(result["blocks"]), len(result["steps"])) == (4, 2)
    for row in (*result["blocks"], *result["steps"]):
        peak = result["matmul"][row["precision"]]
        assert row["least"] == pytest.approx(row["operations"] / peak, rel=1e-3)
        assert sum(part["share"] for part in row["parts"]) == pytest.approx(1, abs=0.01)
    for name in ("device", "commit", "date", "torch", "copy"):
        assert result[name]
