"""The state of a training run: from the last checkpoint on, a step at a time, into log and files."""

import json
import math
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from activa_core import checkpoint
from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import Batch, Pairs, SharedSource, Source, pairs, to_device
from activa_core.errors import TrainingError
from activa_core.files import write_whole
from activa_core.graph import CapturedStep
from activa_core.model import CVAE
from activa_core.optimiser import Optimiser
from activa_core.processes import Processes
from activa_core.step import Inputs, Step, micro_batch

__all__ = ["Report", "Run", "schedule"]


@dataclass(frozen=True)
class Report:
    """One line of the log, for the steps since the line before."""

    step: int
    log_likelihood: float  # per row, mean over the batch
    divergence: float  # per sample
    gradient_norm: float
    learning_rate: float
    non_finite: int  # gradient elements that were zeroed
    seconds: float  # training time since the run began
    held_out_nll: float | None = None  # per row, non-target columns


class Run:
    """One run, which goes on from the last checkpoint in `out` when there is one."""

    def __init__(
        self,
        model_config: ModelConfig,
        config: TrainConfig,
        out: Path,
        *,
        device: torch.device,
        graph: bool,
        start: Path | None,
    ) -> None:
        self.model_config, self.config, self.out, self.device = model_config, config, out, device
        self.processes = Processes.running()
        with torch.random.fork_rng(devices=[]):
            torch.random.manual_seed(_mixed(config.seed, 0))
            self.model = CVAE(model_config).train().to(device)
        self.optimiser = Optimiser(
            self.model,
            clip_norm=config.clip_norm,
            matrices=self.model.matrices() if config.matrix_learning_rate else (),
        )
        self._step = Step(self.model, self.optimiser, config)
        self._move = CapturedStep(self._step) if graph else self._step
        self.step, self.models_seen, self.seconds, self.origin = 0, 0, 0.0, ""
        self._logged = 0  # the step of the last line of the log
        self._nll: float | None = None  # in that line
        if (out / "training.safetensors").exists():
            self._resume()
        elif start is not None:
            self._begin_with(start)

    def advance(self, source: Source) -> None:
        """One step of the optimiser."""
        began = time.perf_counter()
        models = self._take(source)
        self.step += 1
        self.models_seen += models
        if self.step % self.config.max_non_finite == 0:  # not always: it waits for a GPU
            self._stop_if_gradients_stay_non_finite()
        self.seconds += time.perf_counter() - began

    def latest(self) -> float:
        """Return the log-likelihood of the last step."""
        return self._step.latest.item()

    def report(self, held_out: Sequence[Pairs]) -> Report:
        """Append a line to the log and return it."""
        began = time.perf_counter()
        log_likelihood, divergence, norm, non_finite = self._step.sums.tolist()
        self._stop_if_gradients_stay_non_finite()
        self.seconds += time.perf_counter() - began
        steps = max(self.step - self._logged, 1)
        self._nll = self._held_out(held_out) if held_out else None
        report = Report(
            self.step,
            log_likelihood / steps,
            divergence / steps,
            norm / steps,
            self.config.learning_rate * schedule(self.step - 1, self.config),
            round(non_finite),
            self.seconds,
            self._nll,
        )
        self._step.sums.zero_()
        self._logged = self.step
        self._log(json.dumps(asdict(report)) + "\n", append=True)
        return report

    def save(self) -> None:
        """Write all that a resumed run needs."""
        if not self.processes.first:
            return
        state = checkpoint.TrainingState(
            self.step,
            self.models_seen,
            self.seconds,
            dict(self.model.state_dict()),
            self.optimiser.state(),
            self.origin,
        )
        path = self.out / "training.safetensors"
        checkpoint.save_training(path, state, self.model_config, self.config)

    def finish(self, card: checkpoint.ModelCard, held_out: Sequence[Pairs]) -> Path:
        """Write the model by itself, with what became of it on its card."""
        path = self.out / "model.safetensors"
        nll = self._nll
        if nll is None and held_out:  # the run had ended before
            nll = self._held_out(held_out)
        metrics = {} if nll is None else {"held_out_nll": nll}
        card = card.model_copy(
            update={
                "origin": self.origin,
                "steps": self.step,
                "models_seen": self.models_seen,
                "training_seconds": round(self.seconds, 1),
                "device": _in_words(self.device),
                "metrics": {**card.metrics, **metrics},
            }
        )
        if self.processes.first:
            checkpoint.save(path, self.model, card)
        self.processes.wait()
        return path

    def _take(self, source: Source) -> int:
        """Move the weights by this process's share of a batch; returns the models in all of it."""
        if self.processes.size == 1 or not isinstance(source, SharedSource):
            whole = source.batches(self.step)
            models, drawn = len(whole.obs), self.pairs(whole, interv_rows=self.config.interv_rows)
            share, Q = self.processes.share(models), drawn.queries
            drawn = drawn[slice(share.start * Q, share.stop * Q)]
        else:
            models = source.models(self.step)
            share = self.processes.share(models)
            drawn = self.pairs(source.part(self.step, share), interv_rows=self.config.interv_rows)
        if not share:
            raise TrainingError(
                f"{self.processes.size} processes cannot share a batch of {models} models; "
                "start fewer, or make batches larger"
            )
        self._move(self._inputs(drawn, share.start, models))
        return models

    def pairs(self, batch: Batch, *, interv_rows: int | None = None) -> Pairs:
        """Return a batch as the network wants to see it."""
        return pairs(
            batch,
            standardised=self.model_config.standardise,
            oriented=self.model_config.oriented_by,
            interv_rows=interv_rows,
            device=self.device,
        )

    def _inputs(self, batch: Pairs, start: int, models: int) -> Inputs:
        """Everything random in the next step, and where it goes, for the models from `start` on."""
        seed, step = self.config.seed, self.step
        generator = torch.Generator().manual_seed(_mixed(seed, step + 1))
        Q, d = batch.queries, batch.targets.shape[1]
        # drawn for the whole batch, so that the number of processes changes nothing
        shape = (models * Q, self.config.predictive_draws, d, self.model_config.latent_dim)
        noise = torch.randn(shape, generator=generator)
        noise = noise[start * Q : start * Q + len(batch)]  # (B, J, d, l)
        parts = math.ceil(len(batch) / micro_batch(batch, self.config))
        first = (step * self.processes.size + self.processes.rank) * parts
        keys = torch.tensor([[seed, first + part] for part in range(parts)])
        share = schedule(step, self.config)
        coefficients = self.optimiser.coefficients(
            share * self.config.learning_rate, share * (self.config.matrix_learning_rate or 0.0)
        )
        noise, keys, coefficients = (
            to_device(tensor, self.device) for tensor in (noise, keys, coefficients.to(noise.dtype))
        )
        return Inputs(batch, noise, keys, coefficients, of=models * Q)

    def _begin_with(self, start: Path) -> None:
        model, card = checkpoint.load(start)
        if model.config != self.model_config:
            ours, theirs = self.model_config.model_dump(), model.config.model_dump()
            changed = ", ".join(name for name in ours if ours[name] != theirs[name])
            raise TrainingError(
                f"{start} is another network ({changed} differ); "
                "begin with random weights, or give the network its configuration"
            )
        self.model.load_state_dict(model.state_dict())
        before = f", from {card.origin}" if card.origin else ""
        self.origin = f"{card.name} after {card.steps} steps at commit {card.commit}{before}"

    def _resume(self) -> None:
        path = self.out / "training.safetensors"
        state = checkpoint.load_training(path, self.model_config, self.config)
        self.model.load_state_dict(state.weights)
        self.optimiser.load(state.optimizer)
        self.step, self.models_seen, self.seconds = state.step, state.models_seen, state.seconds
        self.origin = state.origin
        self._logged = self.step
        self._log(self._logged_before_the_checkpoint(), append=False)

    def _logged_before_the_checkpoint(self) -> str:
        """Lines that still hold; later ones will be logged again, and the last may be torn."""
        path = self.out / "log.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        whole = (line for line in lines if line.endswith("\n"))
        return "".join(line for line in whole if json.loads(line)["step"] <= self.step)

    def _log(self, text: str, *, append: bool) -> None:
        if not self.processes.first:
            return
        path = self.out / "log.jsonl"
        try:
            if append:
                self.out.mkdir(parents=True, exist_ok=True)
                with path.open("a") as log:
                    log.write(text)
            else:
                write_whole(path, text.encode())
        except OSError as error:
            raise TrainingError(
                f"cannot write {path}: {error.strerror}; make room and run again, "
                "training goes on from its last checkpoint"
            ) from error

    def _stop_if_gradients_stay_non_finite(self) -> None:
        longest = int(self._step.longest)
        if longest >= self.config.max_non_finite:
            raise TrainingError(
                f"gradients were not finite in {longest} steps in a row up to step {self.step}; "
                "lower the learning rate or raise eps"
            )

    @torch.no_grad()
    def _held_out(self, batches: Sequence[Pairs]) -> float:
        generator = torch.Generator().manual_seed(self.config.seed)
        draws = self.config.validation_draws
        log_prob = [self.model.held_out(batch, draws, generator) for batch in batches]
        return -float(torch.cat(log_prob).mean())


def schedule(step: int, config: TrainConfig) -> float:
    """Share of the peak learning rates: linear warm-up, then a cosine to zero at the last step."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(config.steps - config.warmup_steps, 1)
    return (1 + math.cos(math.pi * done)) / 2


def _mixed(seed: int, step: int) -> int:
    """One number for the generator of a step."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])


def _in_words(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} {device.type}, {torch.get_num_threads()} threads"
