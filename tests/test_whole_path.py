"""From a simulator to an answer on a table, through the installed command."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
STATIONS = ROOT / "examples/german_weather/altitude_temperature.csv"

RECIPE = """
name: small
data: {simulator: gauss-2, n_samples: 12, validation_models: 4}
model: {embed_dim: 8, hidden_dim: 8, decoder_blocks: 1, latent_dim: 2, dropout: 0.0}
training: {steps: 6, batch_size: 4, warmup_steps: 2, checkpoint_every: 2, validation_draws: 2}
"""


def activa(*arguments: object, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    command = [str(Path(sys.executable).with_name("activa")), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == exit_code, result.stderr
    return result


def test_simulate_train_evaluate_and_predict(tmp_path: Path) -> None:
    recipe, data, table = tmp_path / "small.yaml", tmp_path / "data.npz", tmp_path / "data.csv"
    recipe.write_text(RECIPE)
    activa("simulate", "gauss-2", "--models", 1, "--samples", 12, "--out", data)
    rows = np.load(data)["obs"][0]
    np.savetxt(table, rows, delimiter=",", header="cause,effect", comments="")
    model = json.loads(activa("train", recipe, "--out", tmp_path / "run", "--json").stdout)["file"]
    scored = json.loads(activa("evaluate", model, "--models", 3, "--json").stdout)
    assert scored["data"] == "gauss-2"
    query = ("predict", table, "--do", "cause=5", "--model", model, "--json")
    answer = json.loads(activa(*query).stdout)["outcomes"]["effect"]
    assert np.isclose(answer["observed_mean"], rows[:, 1].mean())
    assert np.isfinite(answer["mean"])


@pytest.mark.parametrize("query", ["altitude=1000", "temperature=4"])
def test_a_real_table_is_answered_in_its_own_units(query: str, tmp_path: Path) -> None:
    picture = tmp_path / "effect.png"
    result = activa("predict", STATIONS, "--do", query, "--plot", picture, "--json")
    answer = json.loads(result.stdout)
    assert answer["model"] == "general-2"
    assert answer["rows"] == 349
    (column,) = answer["outcomes"]
    assert column not in answer["do"]
    found = answer["outcomes"][column]
    assert abs(found["mean"] - found["observed_mean"]) < 5 * found["observed_sd"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    result = activa("predict", tmp_path / "nowhere.csv", "--do", "X=1", exit_code=2)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
