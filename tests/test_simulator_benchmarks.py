"""What the simulators are compared with draws as much, and the harness reports what it measured."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Import the peers from benchmarks/."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield import_module("simulator_peers")
    sys.modules.pop("simulator_peers")


def test_what_one_writes_by_hand_has_the_law_that_we_draw(peers: Any) -> None:
    from activa_sim import simulator

    theirs = peers.by_hand(1000)()  # (M, regime, N, d)
    ours = simulator("gauss-8").sample(1000, 30)
    at_value = (np.abs(theirs[:, 1:] - 5.0) < 0.6).all(axis=2)  # (M, Q, d)
    assert theirs.shape == (1000, 9, 30, 8)
    assert at_value.any(axis=2).all()
    # about the same spread and correlations; edges by order fall otherwise than the paper's
    for statistic in (np.var, correlation):
        mine, other = (np.mean([statistic(r, axis=0).mean() for r in rows])
                       for rows in (np.tanh(ours.obs), np.tanh(theirs[:, 0])))  # fmt: skip
        assert mine == pytest.approx(other, rel=0.25)


def correlation(rows: Any, axis: int) -> Any:
    """Squared correlations of all pairs of columns."""
    return np.corrcoef(rows, rowvar=bool(axis)) ** 2


def test_rates_are_measured_and_written_and_absent_packages_named(tmp_path: Path) -> None:
    text = run(tmp_path, "--quick", "--only", "gauss-8", "--threads", "2")
    (path,) = tmp_path.glob("sim-*.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    ways = {row["way"]: row for row in result["rows"]}
    assert {"activa", "activa, 2 threads", "activa, NumPy", "NumPy by hand"} <= ways.keys()
    for way in ways.values():
        rate = way["models_a_second"]
        assert 0.0 < rate["low"] <= rate["median"] <= rate["high"]
        assert way["way"] in text
    assert ways["activa"]["times_activa"] == 1.0
    for package in ("sempler", "CausalPlayground"):
        if find_spec(package) is None:
            assert f"No module named '{package}'; pip install" in text
    assert result["device"]
    assert result["instruction_set"]
    assert result["commit"]


@pytest.mark.slow
def test_a_stream_is_timed_beside_the_steps_that_it_feeds(tmp_path: Path) -> None:
    run(tmp_path, "--stream", "--quick", "--only", "gauss-2")
    (path,) = tmp_path.glob("sim-stream-*.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    (share,) = result["shares"]
    assert 0.0 < share["drawing_seconds"] < share["step_seconds"]
    assert share["share_by_itself"] == pytest.approx(
        share["drawing_seconds"] / share["step_seconds"], rel=0.01
    )
    assert [look["models"] for look in result["memory"]] == [*range(1000, 10_001, 1000)]


def run(out: Path, *arguments: str) -> str:
    """Run the harness as `nox -s bench -- sim` does, and return what it prints."""
    command = [sys.executable, str(BENCHMARKS / "run.py"), "sim", "--out", str(out), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
