"""Pictures of scores: intervals, calibration, and query by query against a reference row.

They need matplotlib: `pip install "activa-eval[plot]"`. Nothing else here imports it.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_eval.arrays import BoolArray
from activa_eval.calibration import LEVELS
from activa_eval.compare import Row, compare
from activa_eval.errors import InputError
from activa_eval.scores import Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".pdf", ".png", ".svg")
INK, PLAIN, CHOSEN, LINE = "#1f2933", "#6b7785", "#0b6fa4", "#d5dae0"
EFFECT, NO_EFFECT = "#d9730d", "#0b6fa4"
TITLES = {
    "mmd": "MMD",
    "wasserstein": "W1",
    "energy_distance": "energy distance",
    "nll": "NLL",
    "p_value": "p-value",
    "non_descendant_error": "non-descendant error",
    "side_probability": "side probability",
}
WIDE = 20.0  # largest over median interval end, beyond which an axis is logarithmic


def plot_scores(
    rows: Sequence[Row] | Mapping[str, Sequence[Row]],
    path: str | Path,
    *,
    metrics: Sequence[str] = ("mmd", "wasserstein", "energy_distance", "nll"),
    highlight: Sequence[str] = (),
) -> None:
    """Draw the mean and interval of every method, a panel a metric.

    Parameters
    ----------
    rows : sequence of Row, or mapping of title to sequences of Row
        What `compare` returned; of a mapping, each makes a line of panels. Rows of groups and of
        queries with or without effect are left out.
    path : str or Path
        Ends in .png, .pdf or .svg; written in full or not at all.
    metrics : sequence of str
        Panels from left to right; those that nobody has are left out.
    highlight : sequence of str
        Methods in colour.

    Raises
    ------
    InputError
        If there is nothing to draw, matplotlib is missing or the file cannot be written.
    """
    lines = rows if isinstance(rows, Mapping) else {"": rows}
    whole = {
        title: [r for r in line if r.group is None and r.queries == "all"]
        for title, line in lines.items()
    }
    panels = [m for m in metrics if any(r.metric == m for line in whole.values() for r in line)]
    if not panels:
        raise InputError(f"there are no rows of {', '.join(metrics)}; give those of compare()")
    names = {title: list(dict.fromkeys(r.name for r in line)) for title, line in whole.items()}
    heights = [max(len(n), 1) for n in names.values()]
    figure = _figure(2.3 * len(panels) + 1.6, 0.24 * sum(heights) + 0.75 * len(lines) + 0.3)
    parts = figure.subfigures(len(lines), 1, squeeze=False, height_ratios=[h + 3 for h in heights])
    for part, (title, found) in zip(parts[:, 0], whole.items(), strict=True):
        part.suptitle(title, x=0.01, ha="left", fontsize=10, fontweight="bold", color=INK)
        line = part.subplots(1, len(panels), squeeze=False)[0]
        for place, (axes, metric) in enumerate(zip(line, panels, strict=True)):
            _intervals(axes, [r for r in found if r.metric == metric], names[title], highlight)
            axes.set_title(TITLES.get(metric, metric), fontsize=9, color=INK)
            axes.set_yticks(range(len(names[title])), names[title] if place == 0 else [])
    _save(figure, path)


def plot_calibration(
    scores: Mapping[str, Scores], path: str | Path, *, highlight: Sequence[str] = ()
) -> None:
    """Draw the share of true rows inside the intervals of each level, less the level.

    Zero is calibrated, below it a method is too sure of itself. Bars are intervals over models.

    Parameters
    ----------
    scores : mapping of name to Scores
        All of one batch; those without coverage are left out.
    path, highlight
        As for `plot_scores`.

    Raises
    ------
    InputError
        As for `plot_scores`.
    """
    sure = {name: s for name, s in scores.items() if s.coverage is not None}
    if not sure:
        raise InputError("no method has coverage; calibration needs predictions with a cdf")
    levels = {f"coverage_{100 * level:.0f}": level for level in LEVELS}
    rows = [r for r in compare(sure) if r.queries == "all" and r.metric in levels]
    figure = _figure(5.6, 3.8)
    axes = figure.subplots()
    axes.axhline(0.0, color=INK, linewidth=0.8, linestyle=":")
    for place, name in enumerate(sure):
        mine = [(levels[r.metric], r.estimate) for r in rows if r.name == name]
        level = np.array([at for at, _ in mine])
        mean, low, high = (
            np.array([getattr(e, end) for _, e in mine]) - level for end in ("mean", "low", "high")
        )
        beside = level + 0.004 * (place - (len(sure) - 1) / 2.0)  # so that bars do not hide bars
        color = CHOSEN if name in highlight else f"C{place}"
        axes.errorbar(beside, mean, [mean - low, high - mean], color=color, marker="o",
                      markersize=4, linewidth=1.2, label=name)  # fmt: skip
    axes.set_xticks(LEVELS, [f"{100 * level:g} %" for level in LEVELS])
    axes.set_xlabel("level of the predicted marginal intervals", color=INK)
    axes.set_ylabel("coverage less level", color=INK)
    _dress(axes)
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    _save(figure, path)


def plot_queries(
    scores: Mapping[str, Scores],
    path: str | Path,
    *,
    versus: str,
    metric: str = "energy_distance",
) -> None:
    """Draw one point a query: what a method scored there against what a reference row did.

    Below the diagonal the method is better. A panel a method; queries with and without effect
    have colours of their own where the graphs are known.

    Parameters
    ----------
    scores : mapping of name to Scores
        All of one batch.
    path : str or Path
        As for `plot_scores`.
    versus : str
        The reference row among them.
    metric : str
        Of which lower is better.

    Raises
    ------
    InputError
        If `versus` or every other method lacks the metric; else as for `plot_scores`.
    """
    numbers = {name: s.metrics()[metric] for name, s in scores.items() if metric in s.metrics()}
    if versus not in numbers or len(numbers) < 2:
        raise InputError(f'"{metric}" takes "{versus}" and another method that have it')
    reference, others = numbers.pop(versus), numbers
    across = math.ceil(math.sqrt(len(others)))
    down = math.ceil(len(others) / across)
    figure = _figure(2.7 * across + 0.5, 2.7 * down + 0.7)
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    has_effect = scores[versus].has_effect
    positive = np.concatenate([n[n > 0.0] for n in (reference, *others.values())])
    logarithmic = metric != "nll" and len(positive) > 0
    for axes, (name, mine) in zip(grid.flat, others.items(), strict=False):
        for mask, color, label in _kinds(has_effect, reference.shape):
            axes.scatter(reference[mask], mine[mask], s=7, alpha=0.5, linewidths=0, color=color,
                         label=label)  # fmt: skip
        there = np.isfinite(mine) & np.isfinite(reference)
        better = float(np.mean(mine[there] < reference[there])) if there.any() else float("nan")
        axes.set_title(f"{name}: better on {100 * better:.0f} %", fontsize=9, color=INK)
        if logarithmic:
            axes.set_xscale("log")
            axes.set_yscale("log")
        axes.axline((1.0, 1.0), (2.0, 2.0), color=INK, linewidth=0.8, linestyle=":")
        _dress(axes)
    for axes in grid.flat[len(others) :]:
        axes.set_visible(False)
    for axes in grid.flat[len(others) - across : len(others)]:  # nobody below them
        axes.tick_params(labelbottom=True)
    title = TITLES.get(metric, metric)
    figure.supxlabel(f"{title} of {versus}", fontsize=10, color=INK)
    figure.supylabel(title, fontsize=10, color=INK)
    if has_effect is not None:
        handles, labels = grid.flat[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=8
        )
    _save(figure, path)


def _intervals(
    axes: Any, rows: Sequence[Row], names: Sequence[str], highlight: Sequence[str]
) -> None:
    """Draw one line a method; those without a finite number have none."""
    drawn = [r for r in rows if math.isfinite(r.estimate.mean)]
    for row in drawn:
        place, color = names.index(row.name), CHOSEN if row.name in highlight else PLAIN
        axes.plot([row.estimate.low, row.estimate.high], [place, place], color=color, linewidth=1.6)
        axes.plot([row.estimate.mean], [place], "o", color=color, markersize=4)
    ends = np.array([r.estimate.high for r in drawn if math.isfinite(r.estimate.high)])
    lows = [r.estimate.low for r in drawn]
    if len(ends) and min(lows) > 0.0 and ends.max() > WIDE * np.median(ends):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    _dress(axes)
    axes.tick_params(axis="y", length=0)


def _kinds(
    has_effect: BoolArray | None, shape: tuple[int, ...]
) -> list[tuple[BoolArray, str, str]]:
    if has_effect is None:
        return [(np.ones(shape, dtype=bool), PLAIN, "")]
    return [(~has_effect, NO_EFFECT, "no effect"), (has_effect, EFFECT, "effect")]


def _dress(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(colors=INK, labelsize=8)


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError(
            'drawing needs matplotlib; install it with pip install "activa-eval[plot]"'
        ) from None
    return Figure(figsize=(width, height), dpi=150, layout="constrained")


def _save(figure: Figure, path: str | Path) -> None:
    """Write a picture in full or leave what is there."""
    place = Path(path)
    kind = place.suffix.lower()
    if kind not in FORMATS:
        raise InputError(f"cannot draw into {place}; let the name end in {', '.join(FORMATS)}")
    drawn = io.BytesIO()
    figure.savefig(drawn, format=kind.removeprefix("."))
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        temporary.write_bytes(drawn.getvalue())
        temporary.replace(place)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise InputError(f"cannot write {place}: {error.strerror}; choose another place") from error
