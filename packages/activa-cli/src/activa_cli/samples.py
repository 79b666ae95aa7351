"""Predicted rows over true ones: what a model's answers look like, a line of panels a data set."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from activa_cli.evaluate import fresh_batches
from activa_cli.experiments import EXPERIMENTS, Row
from activa_cli.results import write_figure

if TYPE_CHECKING:
    from activa_core import Activa
    from activa_sim import CausalBatch
    from matplotlib.axes import Axes

__all__ = ["Question", "draw_samples", "questions"]

PANELS = 4  # questions a data set, of which half have an effect
MODELS = 50  # test models among which they are found
OBSERVED, TRUE, PREDICTED = "#9aa5b1", "#d9730d", "#0b6fa4"


@dataclass(frozen=True)
class Question:
    """One query of one model, and the two columns that are shown."""

    model: int
    query: int
    target: int
    columns: tuple[int, int]
    effect: bool
    """Whether the target has a child."""


def draw_samples(models: "Mapping[Row, Activa]", path: Path, *, draws: int, seed: int) -> None:
    """Draw as many predicted rows as there are true ones over them, on models of the test split.

    Of two variables both are shown, the one that is set across; of more, the two that move most.
    The questions are the first of the split, not the best.

    Parameters
    ----------
    models : mapping of Row to Activa
        Which model answers which data set; at least one.
    path : Path
        The picture, written in full or not at all.
    draws, seed : int
        Of the predictions; `seed` also of the data.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.9 * PANELS, 2.9 * len(models)), layout="constrained")
    axes = figure.subplots(len(models), PANELS, squeeze=False)
    for line, (row, model) in zip(axes, models.items(), strict=True):
        n = EXPERIMENTS[row].n_samples
        (batch,) = fresh_batches(row, MODELS, (n, n), seed)
        for panel, question in zip(line, questions(batch), strict=False):
            _draw(panel, batch, question, model, draws=draws, seed=seed)
        line[0].set_title(f"{row}: {line[0].get_title('left')}", fontsize=9, loc="left")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    write_figure(figure, path)


def questions(batch: "CausalBatch") -> list[Question]:
    """Choose the first queries with and without an effect, each of another model."""
    found: list[Question] = []
    for effect in (True, False):
        taken = {question.model for question in found}
        fitting = (q for q in _all(batch) if q.effect is effect)
        for question in fitting:
            if question.model not in taken and len(taken) < PANELS // (1 + effect):
                taken.add(question.model)
                found.append(question)
    return found


def _all(batch: "CausalBatch") -> Iterator[Question]:
    import numpy as np

    graphs = batch.graphs
    assert graphs is not None  # every simulator of the paper knows its graphs
    M, Q, _, d = batch.interv.shape
    for model in range(M):
        observed = batch.obs[model]
        for query in range(Q):
            (target,) = np.flatnonzero(batch.targets[model, query])
            far = np.abs(batch.interv[model, query].mean(axis=0) - observed.mean(axis=0))
            far /= np.maximum(observed.std(axis=0), 1e-9)
            far[target] = np.inf if d == 2 else -1.0
            first, second = np.argsort(-far, kind="stable")[:2].tolist()
            effect = bool(graphs[model, target].any())
            yield Question(model, query, int(target), (first, second), effect)


def _draw(
    panel: "Axes", batch: "CausalBatch", asked: Question, model: "Activa", *, draws: int, seed: int
) -> None:
    import numpy as np

    observed, true = batch.obs[asked.model], batch.interv[asked.model, asked.query]
    value = float(batch.values[asked.model, asked.query, asked.target])
    effect = model.intervene(observed, {asked.target: value}, draws=draws, seed=seed)
    predicted = np.asarray(effect.sample(len(true), seed=seed))
    a, b = asked.columns
    ring: dict[str, Any] = {"s": 20, "facecolors": "none", "linewidths": 0.9}
    for rows, color, label, style in (
        (observed, OBSERVED, "observed", {"s": 9, "alpha": 0.6, "facecolors": OBSERVED}),
        (true, TRUE, "true, under the intervention", ring),
        (predicted, PREDICTED, "predicted", {"s": 9, "alpha": 0.6, "facecolors": PREDICTED}),
    ):
        panel.scatter(rows[:, a], rows[:, b], edgecolors=color, label=label, **style)
    what = "" if asked.effect else ", no effect"
    panel.set_title(f"do(V{asked.target + 1} = {value:g}){what}", fontsize=9, loc="left")
    panel.set(xlabel=f"V{a + 1}", ylabel=f"V{b + 1}")
    panel.spines[["top", "right"]].set_visible(False)
