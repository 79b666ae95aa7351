"""The picture of a training run: what its log says about loss and held-out likelihood."""

import json
import math
from pathlib import Path
from typing import Any

from activa_core.errors import InputError
from activa_core.figures import new_figure, write_figure

__all__ = ["plot_log"]

TRAINED, HELD_OUT = "#9aa5b1", "#0b6fa4"


def plot_log(log: Path, path: Path) -> None:
    """Draw the log of `fit`: negative log-likelihood in training and on held-out models, and KL.

    Nothing is drawn while there is no line in the log.

    Parameters
    ----------
    log : Path
        `log.jsonl` of a run.
    path : Path
        The picture (.png, .pdf or .svg), written in full or not at all.

    Raises
    ------
    InputError
        If matplotlib is missing or a line is none of `fit`'s.
    """
    text = log.read_text(encoding="utf-8") if log.is_file() else ""
    lines = text[: text.rfind("\n") + 1].splitlines()  # the last may be torn
    if not lines:
        return
    try:
        reports: list[dict[str, Any]] = [json.loads(line) for line in lines]
        steps = [report["step"] for report in reports]
        loss = [-report["log_likelihood"] for report in reports]
        divergence = [report["divergence"] for report in reports]
    except (json.JSONDecodeError, KeyError) as error:
        raise InputError(f"{log} is no log of a training run; give its log.jsonl") from error
    scored = [r for r in reports if r.get("held_out_nll") is not None]
    figure = new_figure(figsize=(10, 3.6), layout="constrained")
    likelihood, latent = figure.subplots(1, 2)
    likelihood.plot(steps, loss, color=TRAINED, label="training, all columns, encoder's latent")
    if scored:
        nll = [r["held_out_nll"] for r in scored]
        label = f"held out, columns not set: {nll[-1]:.3f}"
        likelihood.plot([r["step"] for r in scored], nll, "o-", color=HELD_OUT, label=label)
    settled = loss[len(loss) // 10 :] + [r["held_out_nll"] for r in scored[len(scored) // 10 :]]
    settled = [number for number in settled if math.isfinite(number)]
    if settled:  # the first steps leave the picture
        margin = 0.05 * (max(settled) - min(settled)) or 0.05
        likelihood.set_ylim(min(settled) - margin, max(settled) + margin)
    likelihood.set(title="negative log-likelihood per row [nat]", xlabel="step")
    likelihood.legend(frameon=False)
    latent.plot(steps, divergence, color=TRAINED)
    latent.set(title="KL(encoder || prior) per sample [nat]", xlabel="step")
    for axes in (likelihood, latent):
        axes.grid(alpha=0.3)
    write_figure(figure, path, dpi=120)
