"""A tiny untrained general model on disk, and a way to run the command as a user does."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from activa_cli.main import app
from activa_core.checkpoint import ModelCard, save
from activa_core.config import ModelConfig
from activa_core.model import CVAE
from typer.testing import CliRunner, Result

TINY = ModelConfig(
    query="value",
    standardise=True,
    fix_target=True,
    max_variables=3,
    embed_dim=8,
    hidden_dim=8,
    decoder_blocks=1,
    latent_dim=2,
)


@pytest.fixture
def activa() -> Callable[..., Result]:
    """Run `activa` with these arguments."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def general(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A general model of 2 or 3 columns that was trained on 20 to 500 rows, or so it says."""
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        model = CVAE(TINY)
    path = tmp_path_factory.mktemp("models") / "general.safetensors"
    save(path, model, ModelCard(name="tiny", n_samples=(20, 500), value_range=3.0))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A CSV file of 60 rows in which Y follows X."""
    rng = np.random.default_rng(0)
    x = rng.normal(10.0, 2.0, 60)
    rows = np.column_stack([x, 3 * x + rng.normal(size=60)])
    path = tmp_path / "data.csv"
    np.savetxt(path, rows, delimiter=",", header="X,Y", comments="")
    return path
