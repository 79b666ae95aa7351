import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from activa_cli import train
from activa_cli.main import app
from activa_cli.recipe import read_recipe
from activa_cli.study import Study, changed, read_study, variants
from activa_core.errors import TrainingError
from activa_core.run import Run
from typer.testing import CliRunner, Result

RECIPE = """
name: mine
data: {simulator: gauss-2, n_samples: 6, validation_models: 2}
model: {embed_dim: 8, hidden_dim: 8, decoder_blocks: 1, latent_dim: 2}
training: {batch_size: 3, checkpoint_every: 1, validation_draws: 2}
"""
STUDY = """
recipe: {recipe}
steps: 3
models: 4
draws: 5
changes:
  one draw: {{draws: 1}}
  no latent: {{model.latent: false}}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    (folder / "mine.yaml").write_text(RECIPE)
    path = folder / "study.yaml"
    path.write_text(STUDY.format(recipe=folder / "mine.yaml"))
    return path


@pytest.fixture(scope="module")
def whole(study: Path) -> tuple[Path, str]:
    """Folder and output of the study, done in one go."""
    out = study.parent / "whole"
    result = CliRunner().invoke(app, ["ablate", str(study), "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    return out, result.stdout


def results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "ablation.json").read_text())
    return found


def test_variants_are_trained_alike_and_compared_with_the_base(whole: tuple[Path, str]) -> None:
    out, printed = whole
    found = results(out)
    told = {v["name"]: v for v in found["variants"]}
    assert list(told) == ["base", "one draw", "no latent"]
    assert {v["models_seen"] for v in told.values()} == {9}
    assert told["no latent"]["parameters"] < told["base"]["parameters"]
    nll = {
        r["method"]: r
        for r in found["results"]
        if (r["metric"], r["queries"], r["label"]) == ("nll", "all", None)
    }
    assert nll["base"]["difference"] is None
    for name in ("one draw", "no latent"):
        gap = nll[name]["mean"] - nll["base"]["mean"]
        assert nll[name]["difference"]["mean"] == pytest.approx(gap, abs=1e-4)
        assert gap != 0.0
    assert printed == (out / "ablation.md").read_text()
    assert "| no latent |" in printed
    assert (out / "ablation.png").stat().st_size > 0
    trained = {folder.name for folder in (out / "runs").iterdir()}
    assert trained == {"base-42", "no-latent-42"}, "a number of draws is no training"


def test_an_interrupted_study_goes_on_to_the_same_end(
    activa: Callable[..., Result],
    study: Path,
    whole: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def numbers(out: Path) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = results(out)["results"]
        return found

    with monkeypatch.context() as patch:
        advance = Run.advance

        def until_the_second_step(run: Run, source: Any) -> None:
            if run.step == 2 and not run.model_config.latent:
                raise KeyboardInterrupt
            advance(run, source)

        patch.setattr(Run, "advance", until_the_second_step)
        assert activa("ablate", study, "--out", tmp_path / "parts").exit_code == 130
    finished = tmp_path / "parts" / "runs" / "base-42" / "model.safetensors"
    before = finished.stat().st_mtime_ns
    assert len(results(tmp_path / "parts")["variants"]) == 2
    assert activa("ablate", study, "--out", tmp_path / "parts").exit_code == 0
    assert finished.stat().st_mtime_ns == before
    assert numbers(tmp_path / "parts") == numbers(whole[0])


def test_a_variant_that_cannot_be_trained_does_not_stop_the_others(
    activa: Callable[..., Result],
    study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = train.run

    def fails(recipe: Any, out: Path) -> Path:
        if out.name == "base-42":
            raise TrainingError("gradients were not finite")
        return run(recipe, out)

    monkeypatch.setattr(train, "run", fails)
    result = activa("ablate", study, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "| base | gradients were not finite |" in result.stdout
    assert "| no latent |" in result.stdout


def test_scores_are_means_over_seeds(
    activa: Callable[..., Result], study: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = activa("ablate", study, "--out", out, "--seed", 1, "--seed", 2, "--json")
    found = json.loads(result.stdout)
    assert found == results(out)
    for told in found["variants"]:
        (whole,) = (
            r["mean"]
            for r in found["results"]
            if (r["method"], r["metric"]) == (told["name"], "nll")
            and (r["queries"], r["label"]) == ("all", None)
        )
        assert len(told["nll"]) == 2
        assert whole == pytest.approx(sum(told["nll"]) / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.depth": 3}, '"x": model.depth: Extra inputs are not permitted'),
        ({"beta": 1.0}, '"x": beta: Extra inputs are not permitted'),
        ({"model.heads.of": 1}, '"x": a recipe has no model.heads.of'),
        ({"training.beta": -1.0}, '"x": training.beta: Input should be greater than'),
        ({"draws": 0}, '"x": 0 is no number of draws'),
    ],
)
def test_a_change_that_makes_no_recipe_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        variants(Study(recipe="gauss-2", steps=10, changes={"x": changes}))


def test_the_base_keeps_its_name() -> None:
    with pytest.raises(ValueError, match="choose another name"):
        Study(recipe="gauss-2", steps=10, changes={"base": {}})


def test_a_study_that_is_not_there_is_one_sentence(
    activa: Callable[..., Result], tmp_path: Path
) -> None:
    result = activa("ablate", tmp_path / "none.yaml", "--out", tmp_path)
    assert result.exit_code == 2
    assert "there is no study" in result.stderr


@pytest.mark.parametrize("name", ["gauss-2", "gauss-8"])
def test_the_studies_of_this_repository_are_recipes(name: str) -> None:
    path = Path(__file__).parents[3] / "examples" / "ablations" / f"{name}.yaml"
    listed = variants(read_study(path))
    assert len({(v.recipes, v.draws) for v in listed}) == len(listed)


def test_a_changed_recipe_differs_in_nothing_else() -> None:
    recipe = read_recipe("gauss-2")
    other = changed(recipe, {"model.latent_dim": 4}, "small")
    assert other.model.latent_dim == 4
    assert changed(other, {"model.latent_dim": recipe.model.latent_dim}, "back") == recipe
