"""A small source of training data, so that core's tests know no simulator."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from activa_core.config import ModelConfig
from numpy.typing import NDArray


@dataclass(frozen=True)
class ToyBatch:
    """V_1 = b V_0 + noise in one order of the columns or the other, both set to 5 in turn."""

    obs: NDArray[np.float32]
    interv: NDArray[np.float32]
    targets: NDArray[np.bool_]
    values: NDArray[np.float32]


def toy_batch(models: int, rows: int, seed: int) -> ToyBatch:
    random = np.random.default_rng(seed)
    slope, flip = random.uniform(0.5, 2, (models, 1)), random.random(models) < 0.5

    def sample(target: int | None) -> NDArray[np.float32]:
        x = random.normal(0, 0.5, (models, rows, 2))
        if target == 0:
            x[..., 0] = 5.0
        x[..., 1] = 5.0 if target == 1 else x[..., 1] + slope * x[..., 0]
        return x.astype(np.float32)

    obs, by_target = sample(None), np.stack([sample(0), sample(1)], axis=1)
    obs[flip] = obs[flip, :, ::-1]
    by_target[flip] = by_target[flip][:, ::-1, :, ::-1]  # query q still sets column q
    targets = np.broadcast_to(np.eye(2, dtype=np.bool_), (models, 2, 2))
    values = np.where(targets, np.float32(5), np.float32(np.nan))
    return ToyBatch(obs, by_target, targets, values)


class ToySource:
    """The batch of a step depends on its number alone."""

    def __init__(self, models: int = 8, rows: int = 10) -> None:
        self.models, self.rows = models, rows

    def batches(self, step: int) -> ToyBatch:
        return toy_batch(self.models, self.rows, seed=step)


@pytest.fixture
def toy_source() -> ToySource:
    return ToySource()


@pytest.fixture
def draw_batch() -> Callable[[int, int, int], ToyBatch]:
    return toy_batch


@pytest.fixture
def small() -> ModelConfig:
    """The smallest network that has every part twice."""
    return ModelConfig(
        embed_dim=8, hidden_dim=12, embed_blocks=2, decoder_blocks=1, latent_dim=3, max_variables=5
    )
