import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from activa_core import checkpoint
from activa_core.config import ModelConfig, TrainConfig
from activa_core.errors import TrainingError
from activa_core.model import CVAE
from activa_core.run import Report, schedule
from activa_core.train import fit

CONFIG = TrainConfig(
    steps=12, warmup_steps=3, log_every=4, validate_every=6, checkpoint_every=5, learning_rate=3e-3
)


def weights(path: Path) -> dict[str, torch.Tensor]:
    model, _ = checkpoint.load(path)
    return dict(model.state_dict())


def assert_same_bits(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


@pytest.mark.parametrize("matrix_learning_rate", [None, 0.02])
def test_the_loss_falls(
    small: ModelConfig, toy_source: Any, tmp_path: Path, matrix_learning_rate: float | None
) -> None:
    options = {"steps": 60, "log_every": 10, "matrix_learning_rate": matrix_learning_rate}
    config = CONFIG.model_copy(update=options)
    reports: list[Report] = []
    fit(small, toy_source, config, tmp_path, callback=reports.append)
    assert reports[-1].log_likelihood > reports[0].log_likelihood + 1


def test_log_and_card_say_what_happened(
    small: ModelConfig, toy_source: Any, draw_batch: Any, tmp_path: Path
) -> None:
    held_out = [draw_batch(4, 10, 10_000)]
    path = fit(small, toy_source, CONFIG, tmp_path, validation=held_out)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [4, 8, 12]
    assert log[-1]["held_out_nll"] is not None
    _, card = checkpoint.load(path)
    assert (card.steps, card.models_seen) == (12, 12 * 8)
    assert card.metrics["held_out_nll"] == log[-1]["held_out_nll"]


def test_the_held_out_models_are_scored_once_at_the_end_of_a_run_and_of_a_repeated_one(
    small: ModelConfig,
    toy_source: Any,
    draw_batch: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scored: list[torch.Tensor] = []

    def counted(*arguments: Any) -> torch.Tensor:
        scored.append(held_out(*arguments))
        return scored[-1]

    held_out = CVAE.held_out
    monkeypatch.setattr(CVAE, "held_out", counted)
    config = CONFIG.model_copy(update={"validate_every": 100})
    for runs in (1, 2):
        path = fit(small, toy_source, config, tmp_path, validation=[draw_batch(4, 10, 10_000)])
        assert len(scored) == runs
        _, card = checkpoint.load(path)
        assert card.metrics["held_out_nll"] == pytest.approx(-float(scored[0].mean()))


def test_a_run_begins_with_the_weights_of_another_and_names_it(
    small: ModelConfig, toy_source: Any, tmp_path: Path
) -> None:
    card = checkpoint.ModelCard(name="first", commit="abc")
    first = fit(small, toy_source, CONFIG, tmp_path / "first", card=card)
    still = CONFIG.model_copy(update={"steps": 1, "learning_rate": 1e-30})
    for _ in range(2):  # the second goes on with what the first left
        second = fit(small, toy_source, still, tmp_path / "second", start=first)
        assert_same_bits(weights(second), weights(first))
        assert checkpoint.load(second)[1].origin == "first after 12 steps at commit abc"
    third = fit(small, toy_source, still, tmp_path / "third", start=second)
    origin = "unnamed after 1 steps at commit unknown, from first after 12 steps at commit abc"
    assert checkpoint.load(third)[1].origin == origin
    wider = small.model_copy(update={"hidden_dim": 24})
    with pytest.raises(TrainingError, match=r"another network \(hidden_dim differ\)"):
        fit(wider, toy_source, still, tmp_path / "wider", start=first)


class StopsAfter:
    """A source that breaks the run at a step, as a crash would."""

    def __init__(self, source: Any, step: int) -> None:
        self.source, self.step = source, step

    def batches(self, step: int) -> Any:
        if step == self.step:
            raise ConnectionError
        return self.source.batches(step)


@pytest.mark.parametrize(("step", "matrix_learning_rate"), [(5, None), (7, 0.02), (11, 0.02)])
def test_a_run_that_broke_goes_on_bit_for_bit(
    small: ModelConfig,
    toy_source: Any,
    tmp_path: Path,
    step: int,
    matrix_learning_rate: float | None,
) -> None:
    dropout = small.model_copy(update={"dropout": 0.2})
    config = CONFIG.model_copy(update={"matrix_learning_rate": matrix_learning_rate})
    whole = fit(dropout, toy_source, config, tmp_path / "whole")
    with pytest.raises(ConnectionError):
        fit(dropout, StopsAfter(toy_source, step), config, tmp_path / "broken")
    resumed = fit(dropout, toy_source, config, tmp_path / "broken")
    assert_same_bits(weights(whole), weights(resumed))
    log = (tmp_path / "broken" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [4, 8, 12]


def test_a_run_goes_on_without_a_log_and_after_a_torn_line(
    small: ModelConfig, toy_source: Any, tmp_path: Path
) -> None:
    for torn in (None, '{"step": 4}\n{"ste'):
        out = tmp_path / str(torn is None)
        with pytest.raises(ConnectionError):
            fit(small, StopsAfter(toy_source, 7), CONFIG, out)
        log = out / "log.jsonl"
        log.unlink()
        if torn is not None:
            log.write_text(torn)
        fit(small, toy_source, CONFIG, out)
        steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
        assert steps == [*([4] if torn else []), 8, 12]


class InterruptedAt(StopsAfter):
    def batches(self, step: int) -> Any:
        if step == self.step:
            os.kill(os.getpid(), signal.SIGTERM)
        return self.source.batches(step)


def test_a_signal_saves_first(small: ModelConfig, toy_source: Any, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt, match="saved at step 8"):
        fit(small, InterruptedAt(toy_source, 7), CONFIG, tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before
    state = checkpoint.load_training(tmp_path / "training.safetensors", small, CONFIG)
    assert state.step == 8


def test_no_two_micro_batches_of_a_run_share_a_key_of_dropout(
    small: ModelConfig, toy_source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence, keys = CVAE.evidence, []

    def recorded(*arguments: Any, key: torch.Tensor) -> Any:
        keys.append(tuple(key.tolist()))
        return evidence(*arguments, key=key)

    monkeypatch.setattr(CVAE, "evidence", recorded)
    config = CONFIG.model_copy(update={"micro_batch": 5})  # of 16 pairs
    fit(small, toy_source, config, tmp_path)
    assert len(keys) == len(set(keys)) == 4 * CONFIG.steps


def test_training_leaves_the_callers_random_numbers_alone(
    small: ModelConfig, toy_source: Any, tmp_path: Path
) -> None:
    before = torch.random.get_rng_state()
    fit(small, toy_source, CONFIG, tmp_path)
    assert torch.equal(torch.random.get_rng_state(), before)


@dataclass(frozen=True)
class Poisoned:
    source: Any
    steps: frozenset[int]

    def batches(self, step: int) -> Any:
        batch = self.source.batches(step)
        poisoned = np.full_like(batch.interv, np.nan)
        return replace(batch, interv=poisoned) if step in self.steps else batch


def test_a_non_finite_step_is_counted_and_survived(
    small: ModelConfig, toy_source: Any, tmp_path: Path
) -> None:
    reports: list[Report] = []
    path = fit(
        small, Poisoned(toy_source, frozenset({2})), CONFIG, tmp_path, callback=reports.append
    )
    assert reports[0].non_finite > 0
    assert reports[1].non_finite == 0
    assert all(value.isfinite().all() for value in weights(path).values())


def test_non_finite_steps_that_go_on_stop_the_run(
    small: ModelConfig, toy_source: Any, tmp_path: Path
) -> None:
    source = Poisoned(toy_source, frozenset(range(100)))
    with pytest.raises(TrainingError, match="3 steps in a row"):
        fit(small, source, CONFIG.model_copy(update={"max_non_finite": 3}), tmp_path)


def test_the_learning_rate_warms_up_and_falls_to_nothing() -> None:
    rates = [schedule(step, CONFIG) for step in range(CONFIG.steps)]
    assert rates[:3] == pytest.approx([1 / 3, 2 / 3, 1])
    assert max(rates) == pytest.approx(1.0)
    assert sorted(rates[3:], reverse=True) == rates[3:]
    assert schedule(CONFIG.steps, CONFIG) == pytest.approx(0.0, abs=1e-18)


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import ToySource
from activa_core.config import ModelConfig, TrainConfig
from activa_core.train import fit

class Slow(ToySource):
    def batches(self, step):
        time.sleep(0.02)
        return super().batches(step)

model = ModelConfig.model_validate_json(sys.argv[2])
fit(model, Slow(), TrainConfig.model_validate_json(sys.argv[3]), Path(sys.argv[4]))
"""


def test_a_killed_process_goes_on_bit_for_bit(
    small: ModelConfig, toy_source: Any, tmp_path: Path
) -> None:
    config = CONFIG.model_copy(update={"steps": 40, "checkpoint_every": 3})
    out = tmp_path / "killed"
    arguments = [str(Path(__file__).parent), small.model_dump_json(), config.model_dump_json()]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments, str(out)])
    deadline = time.monotonic() + 60
    while not (out / "training.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1 * np.random.default_rng().random())  # anywhere, also while it writes
    process.kill()
    process.wait()
    assert not (out / "model.safetensors").exists()
    resumed = fit(small, toy_source, config, out)
    whole = fit(small, toy_source, config, tmp_path / "whole")
    assert_same_bits(weights(whole), weights(resumed))
