"""Shipped checkpoints answer as they did when they were shipped, and at once.

`python test_golden.py NAME...` writes what models say today; only a new checkpoint is a reason to.
"""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from activa_core import checkpoint
from activa_core.config import ModelConfig
from activa_core.data import Pairs, pairs
from activa_core.model import CVAE
from activa_core.predict import shipped_models
from numpy.typing import NDArray

GOLDEN = Path(__file__).parent / "golden"
ROWS = 25
LIMIT = 1.0  # seconds of the processor, from `import torch` to an answer
SCRIPT = """
import sys
import numpy as np
import torch
import time
torch.set_num_threads(1)
start = time.process_time()
from activa_core import Activa
for name in sys.argv[1:]:
    model = Activa.from_pretrained(name)
    fewest, _ = model.card.n_samples
    rows = np.random.default_rng(0).normal(size=(fewest, model.config.max_variables))
    trained = model.config.trained_values if model.config.query == "index" else (1.0,)
    model.intervene(rows, do={0: trained[0]}).mean()
    print(name, time.process_time() - start)
    start = time.process_time()
assert "torch._dynamo" not in sys.modules  # the compiler would take more time than all of this
"""


@dataclass(frozen=True)
class Question:
    """One data set with each variable set in turn, in float64."""

    obs: NDArray[np.float64]  # (1, N, d)
    interv: NDArray[np.float64]  # (1, d, 0, d): nothing is known
    targets: NDArray[np.bool_]  # (1, d, d)
    values: NDArray[np.float64]  # (1, d, d)


def question(config: ModelConfig) -> Question:
    """A chain of as many variables as the model takes, the last with a bend."""
    d, random = config.max_variables, np.random.default_rng(7)
    obs = random.normal(0.0, 0.5, (1, ROWS, d))
    for j in range(1, d):
        obs[..., j] += 1.2 * obs[..., j - 1]
    obs[..., -1] = np.exp(obs[..., -1] / 2)
    targets = np.eye(d, dtype=np.bool_)[None]
    value = config.trained_values[-1] if config.query == "index" else 1.5
    return Question(obs, np.zeros((1, d, 0, d)), targets, np.where(targets, value, np.nan))


def asked(config: ModelConfig) -> Pairs:
    return pairs(question(config), standardised=config.standardise, oriented=config.oriented_by)  # type: ignore[arg-type]


def answers(model: CVAE, of: Pairs) -> dict[str, NDArray[np.float64]]:
    """The mixture decoded at the mean of each component of the prior."""
    if model.config.latent:
        prior = model.latent(of)
        codes, log_weights = prior.means, prior.log_weights
    else:
        codes = model.embed(of)[:, None]
        log_weights = codes.new_zeros(codes.shape[:2])
    laws = [model.decode(codes[:, c]) for c in range(codes.shape[1])]  # k of (B, C)
    covariances = [
        law.factors @ law.factors.mT + torch.diag_embed(law.diagonal) for law in laws
    ]  # k of (B, C, d, d)
    found = {
        "log_weights": torch.stack([law.log_weights for law in laws], 1) + log_weights[..., None],
        "means": torch.stack([law.means for law in laws], 1),
        "covariances": torch.stack(covariances, 1),
    }
    return {name: tensor.numpy() for name, tensor in found.items()}


@torch.no_grad()
def ask(path: Path) -> dict[str, NDArray[np.float64]]:
    model, _ = checkpoint.load(path)
    return answers(model.double(), asked(model.config))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", shipped_models())
def test_a_shipped_model_answers_as_when_it_was_shipped(name: str) -> None:
    path, stored = shipped_models()[name], GOLDEN / f"{name}.npz"
    assert stored.is_file(), f"no golden answers of {name}: python {__file__} {name}"
    with np.load(stored) as golden:
        assert str(golden["checkpoint"]) == digest(path), "another checkpoint: write them anew"
        for part, found in ask(path).items():
            np.testing.assert_allclose(found, golden[part], rtol=1e-6, atol=1e-8, err_msg=part)


def test_a_change_of_one_weight_is_noticed() -> None:
    name, path = next(iter(shipped_models().items()))
    model, _ = checkpoint.load(path)
    with torch.no_grad():
        model.decoder.blocks[0].projection.bias[0] += 1e-3  # type: ignore[union-attr, operator, index]
        found = answers(model.double(), asked(model.config))
    with np.load(GOLDEN / f"{name}.npz") as golden:
        assert not np.allclose(found["means"], golden["means"], rtol=1e-6, atol=1e-8)


def test_every_shipped_model_loads_and_answers_within_a_second() -> None:
    command = [sys.executable, "-c", SCRIPT, *shipped_models()]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    times = dict(line.split() for line in said.stdout.splitlines())
    assert times.keys() == shipped_models().keys()
    assert max(map(float, times.values())) < LIMIT, times


def write(names: list[str]) -> None:
    for name in names:
        path = shipped_models()[name]
        content: dict[str, Any] = {"checkpoint": np.array(digest(path)), **ask(path)}
        np.savez_compressed(GOLDEN / f"{name}.npz", **content)


if __name__ == "__main__":
    write(sys.argv[1:])
