import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from activa_cli.recipe import read_recipe
from activa_cli.train import first_card, held_out
from activa_core import Activa
from activa_sim import simulator
from safetensors.numpy import load_file
from typer.testing import Result

RECIPE = """
name: mine
data: {simulator: general-2, n_samples: [5, 9], validation_models: 3}
model: {query: value, standardise: true, fix_target: true,
        embed_dim: 8, hidden_dim: 8, decoder_blocks: 1, latent_dim: 2}
training: {steps: 4, batch_size: 3, warmup_steps: 1, checkpoint_every: 1, validation_draws: 2}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE)
    return path


def test_a_model_knows_where_it_comes_from(
    activa: Callable[..., Result], recipe: Path, tmp_path: Path
) -> None:
    result = activa("train", recipe, "--out", tmp_path / "run", "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    card = Activa.from_pretrained(answer["file"]).card
    assert (card.name, card.n_samples, card.value_range, card.steps) == ("mine", (5, 9), 3.0, 4)
    assert (card.n_variables, card.scale_range) == ((2, 2), None)
    assert card.recipe["data"]["simulator"] == "general-2"
    assert answer["metrics"]["held_out_nll"] == card.metrics["held_out_nll"]


def test_a_model_that_needs_units_knows_which_it_saw() -> None:
    recipe = read_recipe("gauss-2")
    draws = simulator(recipe.data.simulator)
    batches = held_out(recipe, draws)
    batches[0].obs[0, :, 1] = 3.0  # a constant column has no scale
    scales = [model.std(axis=0, ddof=1) for batch in batches for model in batch.obs]
    low, high = first_card(recipe, draws, batches).scale_range or (0.0, 0.0)
    assert (low, high) == pytest.approx((np.sort(np.ravel(scales))[1], np.max(scales)))


def test_options_replace_the_recipes_steps_and_seed(
    activa: Callable[..., Result], recipe: Path, tmp_path: Path
) -> None:
    def weights(name: str, *options: object) -> Path:
        activa("train", recipe, "--out", tmp_path / name, *options)
        return tmp_path / name / "model.safetensors"

    card = Activa.from_pretrained(weights("short", "--steps", 2)).card
    assert (card.steps, card.recipe["training"]["steps"]) == (2, 2)
    one, same = load_file(weights("one")), load_file(weights("same"))
    other = load_file(weights("other", "--seed", 7))
    name = next(name for name in one if one[name].ndim == 2)
    assert (one[name] == same[name]).all()
    assert (one[name] != other[name]).any()


def test_the_losses_of_an_interrupted_run_are_drawn_too(
    activa: Callable[..., Result], recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: Any, **_: Any) -> None:
        out = arguments[3]
        out.mkdir()
        line = {"step": 1, "log_likelihood": -2.0, "divergence": 1.0, "held_out_nll": 3.0}
        (out / "log.jsonl").write_text(json.dumps(line) + "\n")
        raise KeyboardInterrupt("saved at step 1; run again to go on")

    monkeypatch.setattr("activa_core.train.fit", stopped)
    result = activa("train", recipe, "--out", tmp_path / "run")
    assert (result.exit_code, result.stderr) == (
        130,
        "activa: saved at step 1; run again to go on\n",
    )
    assert (tmp_path / "run" / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_cannot_go_on_with_another_recipe(
    activa: Callable[..., Result], recipe: Path, tmp_path: Path
) -> None:
    activa("train", recipe, "--out", tmp_path / "run")
    result = activa("train", recipe, "--out", tmp_path / "run", "--seed", 8)
    assert result.exit_code == 2
    assert "seed" in result.stderr


def test_an_unknown_simulator_is_one_sentence(
    activa: Callable[..., Result], recipe: Path, tmp_path: Path
) -> None:
    recipe.write_text(RECIPE.replace("general-2", "nonsense"))
    result = activa("train", recipe, "--out", tmp_path / "run")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "nonsense" in result.stderr
