"""Linear-Gaussian pairs with a known answer, for the tests of scoring."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture
def draw_pairs() -> Callable[..., SimpleNamespace]:
    """V_0 -> V_1 with unit noises; queries do(V_0 = 3), which moves V_1, and do(V_1 = 3)."""

    def draw(models: int = 12, rows: int = 30, slope: float = 2.0) -> SimpleNamespace:
        rng = np.random.default_rng(0)

        def sample(query: int | None) -> np.ndarray:  # (M, N, d)
            first, noise = rng.standard_normal((2, models, rows))
            first = np.full_like(first, 3.0) if query == 0 else first
            second = np.full_like(first, 3.0) if query == 1 else slope * first + noise
            return np.stack([first, second], axis=-1)

        targets = np.tile(np.eye(2, dtype=bool), (models, 1, 1))
        return SimpleNamespace(
            obs=sample(None).astype(np.float32),
            interv=np.stack([sample(0), sample(1)], axis=1).astype(np.float32),  # (M, Q, N, d)
            interv_replicate=np.stack([sample(0), sample(1)], axis=1).astype(np.float32),
            targets=targets,
            values=np.where(targets, 3.0, np.nan).astype(np.float32),
            graphs=np.tile([[False, True], [False, False]], (models, 1, 1)),
            labels={"half": np.array(["left", "right"])[np.arange(models) % 2]},
        )

    return draw
