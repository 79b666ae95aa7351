"""fit: from a source of fresh batches to a trained model, interruptible and resumable bit for bit."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch
from activa_kernels import keep_freed_memory

from activa_core import checkpoint
from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import Batch, Source
from activa_core.progress import ProgressLine
from activa_core.run import Report, Run

__all__ = ["Report", "fit"]


def fit(
    model_config: ModelConfig,
    source: Source,
    config: TrainConfig,
    out: Path,
    *,
    validation: Sequence[Batch] = (),
    callback: Callable[[Report], None] | None = None,
    card: checkpoint.ModelCard | None = None,
    device: torch.device | str = "cpu",
    graph: bool = False,
    start: Path | None = None,
) -> Path:
    """Train a model on fresh batches, or go on with the run that stands in `out`.

    Everything random in a step follows from `config.seed` and the step's number, and the batch
    too, so a resumed run equals an uninterrupted one bit for bit (same machine, build and number
    of threads). On Linux the process keeps the memory that a step frees, to the end of its life.

    Where `torch.distributed` has several processes, which all call this with the same arguments,
    each takes a share of every batch and the first writes the files. Up to rounding, and to what
    dropout drops, the result is that of one process.

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
    device : torch.device or str
        Where the network is trained.
    graph : bool
        Capture a step in a CUDA graph and replay it: one launch in place of hundreds. Every step
        must then have batches of the same shapes.
    start : Path, optional
        A trained model of the same configuration, whose weights a new run begins with.

    Returns
    -------
    Path
        The trained model, `out / "model.safetensors"`.

    Raises
    ------
    CheckpointError
        If a checkpoint cannot be written or does not belong to this run, or `start` is none.
    TrainingError
        If gradients stay non-finite, a graph is asked for where there can be none, or `start` is
        another network.
    KeyboardInterrupt
        After SIGINT or SIGTERM, once the state is saved.
    """
    keep_freed_memory()  # of each step, which the next one wants again
    run = Run(model_config, config, out, device=torch.device(device), graph=graph, start=start)
    held_out = [run.pairs(batch) for batch in validation]
    progress = ProgressLine(config.steps, "step")
    with _signals() as stopped:
        while run.step < config.steps:
            run.advance(source)
            if run.step % config.log_every == 0 or run.step == config.steps:
                due = run.step % config.validate_every == 0 or run.step == config.steps
                report = run.report(held_out if due else [])
                if callback is not None:
                    callback(report)
            stop = run.processes.any(stopped(), run.device)
            if run.step % config.checkpoint_every == 0 or stop or run.step == config.steps:
                run.save()
            if stop and run.step < config.steps:
                progress.close()
                raise KeyboardInterrupt(f"saved at step {run.step}; run again to go on")
            if run.processes.first:
                progress.show(run.step, lambda: f", log-likelihood {run.latest():.3f}")
    progress.close()
    return run.finish(card or checkpoint.ModelCard(), held_out)


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
