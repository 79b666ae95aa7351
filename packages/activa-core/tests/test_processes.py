"""Several processes train one model: the same as one, up to rounding."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from activa_core import checkpoint
from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import SharedSource
from activa_core.errors import TrainingError
from activa_core.processes import Processes, joined
from activa_core.run import Run

CONFIG = TrainConfig(steps=8, warmup_steps=2, log_every=4, validate_every=8, checkpoint_every=4)
SCRIPT = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, {tests!r})
from conftest import ToySource, toy_batch
from activa_core import ModelConfig, TrainConfig, fit
from activa_core.processes import joined

config = TrainConfig.model_validate_json({config!r})
with joined(torch.device("cpu")):
    fit(ModelConfig.model_validate_json({model!r}), ToySource(models={models}), config, Path({out!r}),
        validation=[toy_batch(4, 10, 10_000)])
"""


def start(
    out: Path, model: ModelConfig, config: TrainConfig, *, size: int = 2, models: int = 7
) -> list[subprocess.Popen[str]]:
    """What `torchrun` does: a process a rank, told of each other."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = {"config": config.model_dump_json(), "model": model.model_dump_json()}
    tests = str(Path(__file__).parent)
    script = SCRIPT.format(tests=tests, out=str(out), models=models, **text)
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size)}
    return [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, **place, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(size)
    ]


def wait(running: list[subprocess.Popen[str]]) -> list[str]:
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0] * len(running), said
    return said


def weights(path: Path) -> dict[str, torch.Tensor]:
    return dict(checkpoint.load(path)[0].state_dict())


def assert_close(one: Path, other: Path) -> None:
    """To a hundredth of the way of a weight in training, a thousandth a step."""
    ours, theirs = weights(one), weights(other)
    for name, values in ours.items():
        if name.endswith("query_key_value.bias"):  # attention does not feel the keys': noise alone
            values[8:16], theirs[name][8:16] = 0.0, 0.0
        far = (values - theirs[name]).abs().max()
        assert far < 8e-5, (name, far)


def test_alone_a_process_has_all_of_it() -> None:
    alone = Processes.running()
    assert (alone.first, list(alone.share(3)), alone.any(True, torch.device("cpu"))) == (
        True,
        [0, 1, 2],
        True,
    )


def test_shares_are_disjoint_and_complete() -> None:
    for n in (1, 7, 64):
        shares = [list(Processes(rank, 3).share(n)) for rank in range(3)]
        assert sum(shares, []) == list(range(n))  # noqa: RUF017
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_without_torchrun_there_is_nothing_to_join(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined(torch.device("cpu")) as device:
        assert device.type == "cpu"
        assert Processes.running() == Processes()


class InParts:
    """A source that can make a part of its batches, and counts the models that it made."""

    def __init__(self, source: Any) -> None:
        self.source, self.made = source, 0

    def models(self, step: int) -> int:
        return len(self.source.batches(step).obs)

    def part(self, step: int, share: range) -> Any:
        whole, some = self.source.batches(step), slice(share.start, share.stop)
        self.made += len(share)
        names = ("obs", "interv", "targets", "values")
        return replace(whole, **{name: getattr(whole, name)[some] for name in names})

    def batches(self, step: int) -> Any:
        return self.part(step, range(self.models(step)))


@pytest.mark.parametrize("micro_batch", [None, 4])
def test_the_shares_of_a_batch_add_up_to_its_gradient(
    small: ModelConfig,
    toy_source: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    micro_batch: int | None,
) -> None:
    gradients: list[torch.Tensor] = []
    monkeypatch.setattr(Processes, "add", lambda *_: None)  # they stay apart
    config = CONFIG.model_copy(update={"micro_batch": micro_batch, "rows": "sum"})
    whole_model = small.model_copy(update={"dropout": 0.0})
    for source in (toy_source, InParts(toy_source)):
        for rank, size in ((0, 1), (0, 3), (1, 3), (2, 3)):
            found = Processes(rank, size)
            monkeypatch.setattr(Processes, "running", classmethod(lambda _, found=found: found))
            run = Run(whole_model, config, tmp_path / "no", device=torch.device("cpu"),
                      graph=False, start=None)  # fmt: skip
            run.advance(source)
            assert run.models_seen == 8
            gradients.append(run.optimiser.gradients.clone())
        assert isinstance(source, SharedSource) is isinstance(source, InParts)
    for first in (0, 4):
        whole, *parts = gradients[first : first + 4]
        torch.testing.assert_close(sum(parts), whole, rtol=1e-4, atol=1e-5)
        assert whole.abs().max() > 1e-2
    assert source.made == 8 + 8


def test_more_processes_than_models_are_refused(
    small: ModelConfig, toy_source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Processes, "running", classmethod(lambda _: Processes(0, 9)))
    run = Run(small, CONFIG, tmp_path, device=torch.device("cpu"), graph=False, start=None)
    with pytest.raises(TrainingError, match="9 processes cannot share a batch of 8 models"):
        run.advance(toy_source)


@pytest.mark.slow
def test_two_processes_train_the_model_of_one(small: ModelConfig, tmp_path: Path) -> None:
    model = small.model_copy(update={"dropout": 0.0})
    wait(start(tmp_path / "one", model, CONFIG, size=1))
    wait(start(tmp_path / "two", model, CONFIG))
    assert_close(*(tmp_path / name / "model.safetensors" for name in ("one", "two")))
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("one", "two")]
    assert len(logs[0]) == len(logs[1]) == 2
    cards = [checkpoint.load(tmp_path / n / "model.safetensors")[1] for n in ("one", "two")]
    assert cards[0].models_seen == cards[1].models_seen == 8 * 7
    nll = [card.metrics["held_out_nll"] for card in cards]
    assert nll[0] == pytest.approx(nll[1], abs=1e-3)


@pytest.mark.slow
def test_a_signal_to_one_saves_and_stops_both(small: ModelConfig, tmp_path: Path) -> None:
    model = small.model_copy(update={"dropout": 0.0})
    config = CONFIG.model_copy(update={"steps": 100_000, "checkpoint_every": 1})
    running = start(tmp_path / "two", model, config)
    state = tmp_path / "two" / "training.safetensors"
    end = time.monotonic() + 60
    while not state.exists() and time.monotonic() < end:
        time.sleep(0.05)
    running[1].send_signal(signal.SIGTERM)
    said = [process.communicate(timeout=60)[1] for process in running]
    assert all(process.returncode for process in running), said
    step = checkpoint.load_training(state, model, config).step
    assert all(f"saved at step {step};" in text for text in said)
