"""Training on a GPU, with and without a CUDA graph."""

from pathlib import Path
from typing import Any

import pytest
import torch
from activa_core import checkpoint
from activa_core.config import ModelConfig, TrainConfig
from activa_core.errors import TrainingError
from activa_core.train import fit

CONFIG = TrainConfig(steps=12, warmup_steps=3, log_every=4, checkpoint_every=5, learning_rate=3e-3)


def test_a_graph_without_a_gpu_is_refused(
    small: ModelConfig, toy_source: Any, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="captures a CUDA graph, and the device is cpu"):
        fit(small, toy_source, CONFIG, tmp_path, graph=True)


@pytest.mark.gpu
@pytest.mark.parametrize(("dropout", "matrix_learning_rate"), [(0.0, None), (0.2, 0.02)])
def test_a_captured_step_does_what_the_step_does(
    small: ModelConfig,
    toy_source: Any,
    draw_batch: Any,
    tmp_path: Path,
    dropout: float,
    matrix_learning_rate: float | None,
) -> None:
    network = small.model_copy(update={"dropout": dropout})
    config = CONFIG.model_copy(update={"matrix_learning_rate": matrix_learning_rate})
    held_out = [draw_batch(4, 10, 10_000)]
    found = []
    for device, graph in (("cpu", False), ("cuda", False), ("cuda", True)):
        out = tmp_path / f"{device}-{graph}"
        path = fit(
            network, toy_source, config, out, validation=held_out, device=device, graph=graph
        )
        model, card = checkpoint.load(path)
        weights = torch.cat([value.flatten() for value in model.state_dict().values()])
        found.append((weights, card.metrics["held_out_nll"]))
    on_cpu, eager, captured = found
    torch.testing.assert_close(captured[0], eager[0], rtol=1e-5, atol=1e-6)
    assert captured[1] == pytest.approx(eager[1], rel=1e-5)
    # float32 is rounded otherwise there, and Adam divides by small numbers
    assert eager[1] == pytest.approx(on_cpu[1], rel=1e-2)


class Growing:
    def __init__(self, draw_batch: Any) -> None:
        self.draw_batch = draw_batch

    def batches(self, step: int) -> Any:
        return self.draw_batch(8, 10 + step // 2, step)


@pytest.mark.gpu
def test_a_graph_refuses_a_step_of_other_shapes(
    small: ModelConfig, draw_batch: Any, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"obs is now \(16, 11, 2\) and was \(16, 10, 2\)"):
        fit(small, Growing(draw_batch), CONFIG, tmp_path, device="cuda", graph=True)
