import errno
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from activa_cli.results import draw, records, tables, write
from activa_eval import Scores
from rich.console import Console


def made_up(level: float, nll: float | None = None) -> Scores:
    numbers = level + np.array([[0.1], [0.2], [0.3], [0.4]])
    density = None if nll is None else np.full((4, 1), nll)
    labels = {"mechanism": np.array(["linear", "cubic", "linear", "cubic"])}
    return Scores(numbers, numbers, numbers, density, None, None, None, labels, "data")


def test_records_hold_means_differences_and_groups() -> None:
    found = records({"activa": made_up(0.0), "hedge": made_up(1.0)}, "data")
    cell = {(r["method"], r["label"], r["group"]): r for r in found if r["metric"] == "mmd"}
    assert math.isclose(cell["activa", None, None]["mean"], 0.25)
    assert math.isclose(cell["hedge", None, None]["difference"]["mean"], 1.0)
    assert math.isclose(cell["activa", "mechanism", "cubic"]["mean"], 0.3)
    assert cell["activa", "mechanism", "linear"]["models"] == 2


def test_queries_with_and_without_effect_are_told_apart_over_all_models_alone() -> None:
    effect = np.array([[True], [False], [True], [True]])
    found = records({"activa": replace(made_up(0.0), has_effect=effect)}, "data")
    assert {r["queries"] for r in found if r["label"] is None} == {"all", "effect", "no effect"}
    assert {r["queries"] for r in found if r["label"] is not None} == {"all"}


def test_a_label_that_all_models_share_makes_no_groups() -> None:
    scores = made_up(0.0)
    same = {**scores.labels, "noise": np.full(4, "gaussian")}
    found = records({"activa": replace(scores, labels=same)}, "data")
    assert {r["label"] for r in found} == {None, "mechanism"}


def test_a_file_has_a_line_for_each_record(tmp_path: Path) -> None:
    answer = {"model": "made up", "results": records({"activa": made_up(0.0)}, "data")}
    path = tmp_path / "results.json"
    write(answer, path)
    assert json.loads(path.read_text()) == answer
    assert len(path.read_text().splitlines()) == len(answer["results"]) + 4


def test_a_file_that_cannot_be_written_leaves_the_old_one_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    found = records({"activa": made_up(0.0)}, "data")
    path, picture = tmp_path / "results.json", tmp_path / "scores.png"
    for place in (path, picture):
        place.write_text("old")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left.*results\.json"):
        write({"model": "made up", "results": found}, path)
    with pytest.raises(OSError, match=r"No space left.*scores\.png"):
        draw(found, picture)
    assert [p.read_text() for p in (path, picture)] == ["old", "old"]
    assert set(tmp_path.iterdir()) == {path, picture}


def test_infinite_scores_survive_json() -> None:
    found = records({"activa": made_up(0.0, nll=math.inf)}, "data")
    again = json.loads(json.dumps(found, allow_nan=False))
    assert {r["mean"] for r in again if r["metric"] == "nll"} == {"inf"}


def test_tables_put_a_dash_where_a_method_has_no_density() -> None:
    found = records({"activa": made_up(0.0, nll=1.5), "eqvar": made_up(1.0)}, "data")
    console = Console(width=140)
    with console.capture() as capture:
        for table in tables(found, "made up"):
            console.print(table)
    lines = {line.split()[0]: line for line in capture.get().splitlines() if line.strip()}
    assert "1.500 [1.500, 1.500]" in capture.get()
    assert lines["eqvar"].rstrip().endswith("-")
    assert "ED by mechanism" in capture.get()
