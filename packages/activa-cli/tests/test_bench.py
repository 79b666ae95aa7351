import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from activa_cli.bench import REFERENCES, SuiteName
from activa_eval import InputError
from activa_eval.suites import SUITES, KnownEffects, Suite
from typer.testing import Result


def made_up(d: int, *, known: bool) -> Suite:
    """A suite of four models of d columns, which are independent whatever the graph says."""

    def draw(seed: int) -> KnownEffects:
        obs, truth, replicate = np.random.default_rng(seed).standard_normal((3, 4, 25, d))
        targets = np.zeros((4, 1, d), dtype=bool)
        targets[..., 0] = True
        truth[..., 0] = replicate[..., 0] = 1.0
        graphs = np.tile(np.eye(d, k=1, dtype=bool), (4, 1, 1)) if known else None
        values = np.where(targets, 1.0, np.nan)
        return KnownEffects(obs, truth[:, None], replicate[:, None], targets, values, graphs, {})

    return Suite(draw, "made up", "read this", "models", "nobody", "none", ("nothing",))


def missing(seed: int) -> KnownEffects:
    raise InputError("these data are in held; run pip install held")


@pytest.fixture(autouse=True)
def suites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two suites that need nothing installed, and two whose data are missing."""
    made = {name.value: Suite(missing, "", "", "", "", "", ()) for name in SuiteName}
    made |= {"pairs-2": made_up(2, known=True), "lalonde": made_up(4, known=False)}
    assert made.keys() == SUITES.keys()
    monkeypatch.setattr("activa_eval.suites.SUITES", made)


def test_every_method_answers_the_same_subsamples(
    activa: Callable[..., Result], general: Path, tmp_path: Path
) -> None:
    out, picture = tmp_path / "bench.json", tmp_path / "bench.png"
    options = ("--seeds", 2, "--model", general, "--draws", 2, "--out", out, "--plot", picture)
    result = activa("bench", "real-v1", *options, "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(out.read_text())
    assert json.loads(result.stdout) == answer
    assert answer["seeds"] == 2
    assert answer["suites"]["pairs-2"]["model"] == str(general)
    assert answer["suites"]["lalonde"]["model"] is None
    methods = {
        name: {r["method"] for r in answer["results"] if r["suite"] == name}
        for name in ("pairs-2", "lalonde")
    }
    assert methods["pairs-2"] == {"activa", *REFERENCES}
    assert methods["lalonde"] == set(REFERENCES) - {"told_graph"}
    assert {r["models"] for r in answer["results"] if r["metric"] == "mmd"} == {4}
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_has_no_answer_is_a_dash_and_what_is_missing_is_named(
    activa: Callable[..., Result], general: Path
) -> None:
    result = activa("bench", "real-v1", "--seeds", 1, "--model", general, "--draws", 2)
    assert result.exit_code == 0, result.stderr
    assert "left out sachs: these data are in held; run pip install held" in result.stderr
    lines = [line.split() for line in result.stdout.splitlines() if line.startswith("told_graph")]
    assert [line[1] == "-" for line in lines] == [False, False, True]
    assert "lalonde: made up" in result.stdout
    assert result.stdout.count("read this") == 2


def test_a_suite_that_was_asked_for_and_is_missing_is_an_error(
    activa: Callable[..., Result],
) -> None:
    result = activa("bench", "real-v1", "--suite", "sachs")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "run pip install held" in result.stderr


def test_without_any_data_there_is_nothing_to_measure(
    activa: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = {name.value: Suite(missing, "", "", "", "", "", ()) for name in SuiteName}
    monkeypatch.setattr("activa_eval.suites.SUITES", nothing)
    result = activa("bench", "real-v1")
    assert result.exit_code == 2
    assert "no data to measure on: these data are in held" in result.stderr
