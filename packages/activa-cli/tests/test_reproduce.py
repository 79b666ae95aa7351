import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from activa_cli import reproduce
from activa_cli.experiments import EXPERIMENTS, Row
from typer.testing import Result

TINY = ("--models", 3, "--slow-models", 2, "--draws", 2)
RECIPE = """
name: beta-2
data: {simulator: beta-2, n_samples: 40, validation_models: 3}
model: {embed_dim: 8, hidden_dim: 8, decoder_blocks: 1, latent: false}
training: {steps: 2, batch_size: 3, warmup_steps: 1, validation_draws: 2}
"""


@pytest.fixture
def nothing_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(model: str) -> None:
        return None

    monkeypatch.setattr(reproduce, "_shipped", none)


def methods(row: dict[str, Any], metric: str = "energy_distance") -> dict[str, Any]:
    whole = (r for r in row["results"] if (r["scale"], r["label"]) == ("data", None))
    return {r["method"]: r for r in whole if (r["metric"], r["queries"]) == (metric, "all")}


def test_a_row_has_ours_beside_every_reference_and_the_papers_numbers(
    activa: Callable[..., Result], tmp_path: Path
) -> None:
    result = activa("reproduce", "table1", "--rows", "gauss-2", "--out", tmp_path, *TINY)
    assert result.exit_code == 0, result.stderr
    row = json.loads((tmp_path / "gauss-2.json").read_text())
    experiment = EXPERIMENTS[Row.gauss_2]
    ours = {"activa", "activa_one_draw"}
    assert methods(row).keys() == ours | {*experiment.references, *experiment.slow}
    assert {name: r["models"] for name, r in methods(row).items() if r["models"] != 3} == {
        "lingam": 2,
        "ida": 2,
    }
    assert methods(row)["lingam"]["difference"] is not None  # on the models that both answered
    assert {r["queries"] for r in row["results"]} == {"all", "effect", "no effect"}
    report = (tmp_path / "table1.md").read_text()
    assert "| the paper's ACTIVA, as printed | 0.29 | 1.9 | 2.0 | - | - |" in report
    assert all(f"{methods(row)[name]['mean']:.3f} [" in report for name in methods(row))
    assert (tmp_path / "table1.png").read_bytes().startswith(b"\x89PNG")
    whole = json.loads((tmp_path / "table1.json").read_text())
    assert whole["titles"]["methods"].keys() == methods(row).keys()
    assert whole["rows"] == [{**row, "standing": whole["rows"][0]["standing"]}]
    assert "best reference" in result.stdout


@pytest.mark.usefixtures("nothing_shipped")
def test_a_row_without_its_model_shows_the_references_and_says_so(
    activa: Callable[..., Result], tmp_path: Path
) -> None:
    result = activa(
        "reproduce", "table1", "--rows", "sergio-ood", "--out", tmp_path, *TINY[2:], "--models", 2
    )
    assert "the model sergio is not shipped" in result.stderr
    row = json.loads((tmp_path / "sergio-ood.json").read_text())
    assert (row["checkpoint"], row["card"], row["data"]) == (None, None, "sergio-ood")
    assert "activa" not in methods(row)
    assert {"no_change", "oracle"} <= methods(row).keys()
    report = (tmp_path / "table1.md").read_text()
    assert "not shipped" in report
    assert "Not finite: nothing." in report


@pytest.mark.usefixtures("nothing_shipped")
def test_a_row_that_stands_there_is_measured_again_only_with_other_settings(
    activa: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []

    def counted(row: Row, *_: Any) -> dict[str, Any]:
        measured.append(str(row))
        return {"results": []}

    monkeypatch.setattr(reproduce, "_measured", counted)
    monkeypatch.setattr(reproduce, "_write_report", lambda *_: None)
    monkeypatch.setattr(reproduce, "summary", lambda _: ())
    both = ("--rows", "gauss-2", "--rows", "beta-2")
    activa("reproduce", "table1", *both, "--out", tmp_path, *TINY)
    assert measured == ["gauss-2", "beta-2"]
    (tmp_path / "beta-2.json").write_text('{"row": "be')  # torn
    activa("reproduce", "table1", *both, "--out", tmp_path, *TINY)
    assert measured[2:] == ["beta-2"]
    activa("reproduce", "table1", "--rows", "beta-2", "--out", tmp_path, *TINY, "--seed", 1)
    assert measured[3:] == ["beta-2"]


@pytest.mark.usefixtures("nothing_shipped")
def test_a_row_can_be_trained_from_its_recipe_first(
    activa: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "beta-2.yaml"
    recipe.write_text(RECIPE)
    monkeypatch.setattr("activa_cli.recipe.shipped_recipes", lambda: {"beta-2": recipe})
    monkeypatch.setattr(reproduce, "_write_report", lambda *_: None)
    options = ("--rows", "beta-2", "--train", "beta-2", "--out", tmp_path / "out")
    result = activa("reproduce", "table1", *options, *TINY, "--json")
    assert result.exit_code == 0, result.stderr
    (row,) = json.loads(result.stdout)["rows"]
    assert row["card"]["steps"] == 2
    assert "activa" in methods(row)
    assert "activa_one_draw" not in methods(row)  # there is nothing to draw
    assert (tmp_path / "out" / "runs" / "beta-2" / "model.safetensors").is_file()


def test_every_row_names_a_simulator_and_references_that_there_are() -> None:
    import activa_eval
    from activa_sim import simulator

    for row, experiment in EXPERIMENTS.items():
        simulator(row)
        assert all(hasattr(activa_eval, n) for n in experiment.references + experiment.slow)
