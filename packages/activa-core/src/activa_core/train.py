"""fit: from a source of fresh batches to a trained model, interruptible and resumable bit for bit."""

import json
import math
import platform
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from torch import Tensor

from activa_core import checkpoint
from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import Batch, Pairs, Source, pairs
from activa_core.errors import TrainingError
from activa_core.files import write_whole
from activa_core.model import CVAE
from activa_core.progress import ProgressLine

__all__ = ["Report", "fit"]


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


def fit(
    model_config: ModelConfig,
    source: Source,
    config: TrainConfig,
    out: Path,
    *,
    validation: Sequence[Batch] = (),
    callback: Callable[[Report], None] | None = None,
    card: checkpoint.ModelCard | None = None,
) -> Path:
    """Train a model on fresh batches, or go on with the run that stands in `out`.

    Everything random in a step follows from `config.seed` and the step's number, and the batch
    too, so a resumed run equals an uninterrupted one bit for bit (same machine, build and number
    of threads).

    Parameters
    ----------
    model_config, config : ModelConfig, TrainConfig
        The network and the run.
    source : Source
        Gives the batch of a step by number.
    out : Path
        Folder for `training.safetensors` (to resume), `log.jsonl` and `model.safetensors`.
    validation : sequence of Batch
        Held-out models; their mean negative log-likelihood is logged.
    callback : callable, optional
        Called with every `Report`.
    card : ModelCard, optional
        What is known before training; steps, time and metrics are filled in.

    Returns
    -------
    Path
        The trained model, `out / "model.safetensors"`.

    Raises
    ------
    CheckpointError
        If a checkpoint cannot be written or does not belong to this run.
    TrainingError
        If gradients stay non-finite.
    KeyboardInterrupt
        After SIGINT or SIGTERM, once the state is saved.
    """
    run = _Run(model_config, config, out)
    held_out = [pairs(b, standardised=model_config.standardise) for b in validation]
    progress = ProgressLine(config.steps, "step")
    with _signals() as stopped, torch.random.fork_rng():
        while run.step < config.steps:
            run.advance(source)
            if run.step % config.log_every == 0 or run.step == config.steps:
                due = run.step % config.validate_every == 0 or run.step == config.steps
                report = run.report(held_out if due else [])
                if callback is not None:
                    callback(report)
            if run.step % config.checkpoint_every == 0 or stopped() or run.step == config.steps:
                run.save()
            if stopped() and run.step < config.steps:
                progress.close()
                raise KeyboardInterrupt(f"saved at step {run.step}; run again to go on")
            progress.show(run.step, f", log-likelihood {run.latest:.3f}")
    progress.close()
    return run.finish(card or checkpoint.ModelCard(), held_out)


class _Run:
    """The state of one run, from the last checkpoint in `out` when there is one."""

    def __init__(self, model_config: ModelConfig, config: TrainConfig, out: Path) -> None:
        self.model_config, self.config, self.out = model_config, config, out
        with torch.random.fork_rng():
            _seed(config.seed, 0)
            self.model = CVAE(model_config).train()
        self.optimizer = torch.optim.NAdam(self.model.parameters(), lr=config.learning_rate)
        self.step, self.models_seen, self.seconds = 0, 0, 0.0
        self.latest, self.non_finite_steps = math.nan, 0
        self._sums = torch.zeros(4, dtype=torch.float64)  # of the log's columns since the last line
        self._since = 0
        self._nll: float | None = None  # at the last line of the log
        if (out / "training.safetensors").exists():
            self._resume()

    def advance(self, source: Source) -> None:
        """One step of the optimiser."""
        began = time.perf_counter()
        _seed(self.config.seed, self.step + 1)
        drawn = source.batches(self.step)
        batch = pairs(drawn, standardised=self.model_config.standardise)
        batch = replace(batch, interv=batch.interv[:, : self.config.interv_rows])
        evidence = self.model.evidence(batch, self.config)
        beta = self.config.beta / (batch.interv.shape[1] if self.config.rows == "sum" else 1)
        self.optimizer.zero_grad(set_to_none=True)
        evidence.loss(beta).backward()  # type: ignore[no-untyped-call]
        non_finite = self._mend_gradients()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.config)
        self.optimizer.step()
        self.step += 1
        self.models_seen += len(drawn.obs)
        self._count(evidence.log_likelihood, evidence.divergence, norm, non_finite)
        self.seconds += time.perf_counter() - began

    def report(self, held_out: Sequence[Pairs]) -> Report:
        """Append a line to the log and return it."""
        log_likelihood, divergence, norm, non_finite = (self._sums / max(self._since, 1)).tolist()
        nll = self._nll = self._held_out(held_out) if held_out else None
        report = Report(
            self.step,
            log_likelihood,
            divergence,
            norm,
            learning_rate(self.step - 1, self.config),
            round(non_finite * self._since),
            self.seconds,
            nll,
        )
        self._sums.zero_()
        self._since = 0
        self._log(json.dumps(asdict(report)) + "\n", append=True)
        return report

    def save(self) -> None:
        """Write all that a resumed run needs."""
        optimizer = {
            f"{index}.{name}": value
            for index, entry in self.optimizer.state_dict()["state"].items()
            for name, value in entry.items()
        }
        state = checkpoint.TrainingState(
            self.step,
            self.models_seen,
            self.seconds,
            dict(self.model.state_dict()),
            optimizer,
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
                "steps": self.step,
                "models_seen": self.models_seen,
                "training_seconds": round(self.seconds, 1),
                "device": f"{platform.machine()} cpu, {torch.get_num_threads()} threads",
                "metrics": {**card.metrics, **metrics},
            }
        )
        checkpoint.save(path, self.model, card)
        return path

    def _resume(self) -> None:
        path = self.out / "training.safetensors"
        state = checkpoint.load_training(path, self.model_config, self.config)
        self.model.load_state_dict(state.weights)
        entries: dict[int, dict[str, Tensor]] = {}
        for key, value in state.optimizer.items():
            index, _, name = key.partition(".")
            entries.setdefault(int(index), {})[name] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": entries, "param_groups": groups})
        self.step, self.models_seen, self.seconds = state.step, state.models_seen, state.seconds
        self._log(self._logged_before_the_checkpoint(), append=False)

    def _logged_before_the_checkpoint(self) -> str:
        """Lines that still hold; later ones will be logged again, and the last may be torn."""
        path = self.out / "log.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        whole = (line for line in lines if line.endswith("\n"))
        return "".join(line for line in whole if json.loads(line)["step"] <= self.step)

    def _log(self, text: str, *, append: bool) -> None:
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

    def _mend_gradients(self) -> int:
        """Zero what is not finite, as the paper does, count it, and stop if it goes on."""
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        bad = sum(int((~g.isfinite()).sum()) for g in gradients)
        self.non_finite_steps = self.non_finite_steps + 1 if bad else 0
        if self.non_finite_steps >= self.config.max_non_finite:
            raise TrainingError(
                f"gradients were not finite in {self.non_finite_steps} steps in a row, the last "
                f"at step {self.step}; lower the learning rate or raise eps"
            )
        if bad:
            for g in gradients:
                g.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
        return bad

    def _count(self, log_likelihood: Tensor, divergence: Tensor, norm: Tensor, bad: int) -> None:
        self.latest = log_likelihood.item()
        self._sums += torch.tensor([self.latest, divergence.item(), norm.item(), float(bad)])
        self._since += 1

    @torch.no_grad()
    def _held_out(self, batches: Sequence[Pairs]) -> float:
        self.model.eval()
        generator = torch.Generator().manual_seed(self.config.seed)
        draws = self.config.validation_draws
        log_prob = [self.model.held_out(batch, draws, generator) for batch in batches]
        self.model.train()
        return -float(torch.cat(log_prob).mean())


def learning_rate(step: int, config: TrainConfig) -> float:
    """Linear warm-up, then a cosine to zero at the last step."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(config.steps - config.warmup_steps, 1)
    return config.learning_rate * (1 + math.cos(math.pi * done)) / 2


def _seed(seed: int, step: int) -> None:
    """Let torch's default generators depend on the seed and the step alone."""
    mixed = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)
    torch.random.manual_seed(int(mixed[0]))


@contextmanager
def _signals() -> Iterator[Callable[[], bool]]:
    """Turn SIGINT and SIGTERM into a question that the loop asks after each step."""
    received: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    if threading.current_thread() is not threading.main_thread():  # Python lets no other set them
        yield lambda: False
        return
    before = {s: signal.signal(s, remember) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
