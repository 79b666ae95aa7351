"""The figure of a report; the one place that needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.archive import whole
from activa_sim.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.diagnostics import Report

INK, CUE, QUIET = "#3b6ea5", "#c8553d", "#8a8a8a"
KINDS = (".png", ".pdf", ".svg")


def draw(report: Report, path: Path) -> None:
    """Draw sortability, degrees and effects of a report into a file."""
    if path.suffix not in KINDS:
        raise InputError(f"{path} is no figure's name; end it in {', '.join(KINDS)}")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError(
            "figures need matplotlib; install it with: pip install activa-sim[plot]"
        ) from error
    figure = Figure(figsize=(10.0, 6.0), layout="constrained")
    cues, degrees, effects, shares = figure.subplots(2, 2).ravel()
    figure.suptitle(
        f"{report.models} models of {report.variables} variables, {report.rows} rows, "
        f"{report.queries} queries"
    )
    _draw_cues(cues, report)
    _draw_degrees(degrees, report)
    _draw_effects(effects, report)
    _draw_shares(shares, report)
    with whole(path) as place:
        figure.savefig(place, dpi=150, format=path.suffix[1:])


def _draw_cues(axes: Any, report: Report) -> None:
    axes.set(title="Does sorting give the order away?", xlabel="sortability", ylabel="models")
    if report.var_sortability is None or report.r2_sortability is None:
        _without_graphs(axes)
        return
    bins = np.linspace(0.0, 1.0, 21)
    both = {"by variance": report.var_sortability, "by R2": report.r2_sortability}
    for (name, numbers), colour in zip(both.items(), (CUE, INK), strict=True):
        known = numbers[np.isfinite(numbers)]
        if known.size:
            label = f"{name}, mean {known.mean():.2f}"
            axes.hist(known, bins, histtype="step", linewidth=1.8, color=colour, label=label)
    axes.axvline(0.5, color=QUIET, linestyle=":", label="no cue")
    axes.legend(framealpha=1.0, edgecolor="none")


def _draw_degrees(axes: Any, report: Report) -> None:
    axes.set(title="How many causes and effects?", xlabel="edges", ylabel="share of variables")
    if report.in_degrees is None or report.out_degrees is None:
        _without_graphs(axes)
        return
    most = int(max(report.in_degrees.max(), report.out_degrees.max()))
    number = np.arange(most + 1)
    for degrees, name, colour, side in (
        (report.in_degrees, "causes", INK, -0.2),
        (report.out_degrees, "effects", CUE, 0.2),
    ):
        counted = np.bincount(degrees.ravel(), minlength=most + 1) / degrees.size
        axes.bar(number + side, counted, 0.4, color=colour, label=name)
    axes.set_xticks(number[:: max(1, most // 12)])
    axes.legend(framealpha=1.0, edgecolor="none")


def _draw_effects(axes: Any, report: Report) -> None:
    axes.set(
        title="How far do queries move the other means?",
        xlabel="change in observational standard deviations",
        ylabel="share of means",
    )
    sizes = np.abs(report.effects[np.isfinite(report.effects)])
    if not sizes.size:
        return
    far = max(float(np.quantile(sizes, 0.99)), 1e-9)
    weights: NDArray[np.float64] = np.full(sizes.size, 1.0 / sizes.size)
    axes.hist(np.minimum(sizes, far), 40, weights=weights, color=INK)
    axes.text(0.98, 0.93, "last bar: and beyond", transform=axes.transAxes, ha="right", color=QUIET)


def _draw_shares(axes: Any, report: Report) -> None:
    worth = report.effective_rows
    if report.effective_rows_by_means is not None:
        worth = min(worth, report.effective_rows_by_means)
    rows = {
        "queries\nseen to act": float(report.seen.mean()),
        "effective\nrows": worth / report.rows,
    }
    if report.reached is not None:
        reaching = float(report.reached.any(axis=2).mean())
        rows = {"queries\nwith effects\nby the graph": reaching, **rows}
    names, shares = list(rows), list(rows.values())
    axes.barh(names[::-1], shares[::-1], color=INK)
    for place, share in enumerate(shares[::-1]):
        axes.text(share + 0.01, place, f"{share:.0%}", va="center")
    axes.set(title="What share?", xlabel="share", xlim=(0.0, 1.12))


def _without_graphs(axes: Any) -> None:
    axes.text(0.5, 0.5, "the batch holds no graphs", ha="center", transform=axes.transAxes)
