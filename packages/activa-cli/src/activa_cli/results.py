"""Results of an evaluation: as plain records for JSON, as tables, as a picture."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.table import Table

from activa_cli.console import grid, say, show
from activa_cli.errors import InputError

if TYPE_CHECKING:
    from activa_eval import Estimate, Row, Scores
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record: TypeAlias = dict[str, Any]
"""One metric of one method on one part of the models: what `activa_eval.Row` holds, as JSON."""

TITLES = {
    "mmd": "MMD",
    "wasserstein": "W1",
    "energy_distance": "ED",
    "nll": "NLL",
    "coverage_90": "90 % coverage",
}
METHODS = {
    "activa": "**activa**",
    "activa_one_draw": "**activa**, one latent draw",
    "oracle": "oracle: a second sample of the truth",
    "bayes_pair": "Bayes: the simulator's law known",
    "told_graph": "told the graph",
    "no_change": "no change",
    "conditional_gaussian": "conditional Gaussian (the paper's baseline)",
    "hedge": "hedge: half no change, half conditional",
    "eqvar": "eqvar: equal noise variances give the order",
    "lingam": "lingam: the shape of the noises gives the order",
    "ida": "ida: all parent sets that fit a PC graph",
}
BY_LABEL = ("energy_distance", "nll", "coverage_90")


def check_places(out: Path | None, plot: Path | None) -> None:
    """Say before hours of work that their results could not be written."""
    from activa_core.plots import FORMATS

    for path in (out, plot):
        if path is not None and not path.absolute().parent.is_dir():
            raise InputError(f"there is no folder {path.parent}; make it, or choose another place")
    if plot is not None and plot.suffix.lower() not in FORMATS:
        raise InputError(f"cannot draw into {plot}; let the name end in {', '.join(FORMATS)}")


def records(scores: "Mapping[str, Scores]", scale: str, *, versus: str = "activa") -> list[Record]:
    """Average the scores over all models, and by each label in which the models differ.

    Queries with and without an effect are told apart only over all models.

    Parameters
    ----------
    scores : mapping of method to Scores
        All of the same batch.
    scale : str
        Written into each record.
    versus : str
        The method, where it is there, to which the others are compared.
    """
    from activa_eval import compare

    labels = next(iter(scores.values())).labels
    against = versus if versus in scores else None
    found = [_record(row, scale, None) for row in compare(scores, versus=against)]
    for label, names in labels.items():
        if len(set(names)) > 1:
            rows = compare(scores, versus=against, group_by=label)
            grouped = (row for row in rows if row.group is not None and row.queries == "all")
            found += [_record(row, scale, label) for row in grouped]
    return found


def titles(found: Sequence[Record]) -> dict[str, dict[str, str]]:
    """Return how methods and metrics are called, for those who read the JSON by itself."""
    there = {r["method"] for r in found}
    methods = {name: title for name, title in METHODS.items() if name in there}
    return {"methods": methods, "metrics": dict(TITLES)}


def write(answer: Mapping[str, Any], path: Path) -> None:
    """Write an evaluation as JSON, a line a record, so that two of them can be compared."""
    from activa_core.files import write_whole

    head = {name: value for name, value in answer.items() if name != "results"}
    lines = ",\n".join(json.dumps(record, allow_nan=False) for record in answer["results"])
    opening = json.dumps(head, indent=1, allow_nan=False).removesuffix("\n}")
    write_whole(path, f'{opening},\n "results": [\n{lines}\n]}}\n'.encode())


def deliver(
    answer: Mapping[str, Any],
    tables: Iterable[Table],
    draw: Callable[[Path], None],
    *,
    out: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Write and draw an evaluation where that was asked for, and print it."""
    if out is not None:
        write(answer, out)
        say(f"wrote {out}")
    if plot is not None:
        draw(plot)
        say(f"drew {plot}")
    if as_json:
        show(answer, as_json=True)
        return
    for table in tables:
        show(table, as_json=False)


def tables(found: Sequence[Record], title: str) -> Iterator[Table]:
    """Lay out the scores of each method on each scale, then by label on the data's scale."""
    for scale in dict.fromkeys(r["scale"] for r in found):
        whole = [r for r in found if r["scale"] == scale and r["label"] is None]
        overall = [r for r in whole if r["queries"] == "all"]
        yield _by_method(overall, f"{title}, {scale} scale: mean [95 % interval]")
    labelled = [r for r in found if r["scale"] == "data" and r["queries"] == "all"]
    for label in dict.fromkeys(r["label"] for r in labelled if r["label"] is not None):
        for metric in BY_LABEL:
            chosen = [r for r in labelled if r["label"] == label and r["metric"] == metric]
            if chosen:
                yield _by_group(chosen, f"\n{TITLES[metric]} by {label}")


def draw(found: Sequence[Record], path: Path) -> None:
    """Draw each method's mean and interval, a panel a metric, on the data's scale."""
    from matplotlib.figure import Figure

    chosen = [r for r in found if (r["scale"], r["label"], r["queries"]) == ("data", None, "all")]
    metrics = [metric for metric in TITLES if any(r["metric"] == metric for r in chosen)]
    methods = list(dict.fromkeys(r["method"] for r in chosen))
    figure = Figure(figsize=(2.4 * len(metrics) + 1.5, 0.35 * len(methods) + 1.2))
    panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for panel, metric in zip(panels, metrics, strict=True):
        draw_panel(panel, chosen, metric, methods)
        panel.set(title=TITLES[metric])
    panels[0].invert_yaxis()
    write_figure(figure, path)


def draw_panel(panel: "Axes", found: Sequence[Record], metric: str, methods: Sequence[str]) -> None:
    """Draw each method's mean and interval of one metric, a line a method."""
    for r in found:
        if r["metric"] == metric and isinstance(r["mean"], float):
            place = methods.index(r["method"])
            color = "C0" if r["method"].startswith("activa") else "C1"
            panel.plot([r["low"], r["high"]], [place, place], color=color)
            panel.plot(r["mean"], place, "o", color=color)
    panel.set(yticks=range(len(methods)), yticklabels=methods)
    panel.grid(axis="x", alpha=0.3)


def write_figure(figure: "Figure", path: Path) -> None:
    """Write a picture as all commands do, whole or not at all."""
    from activa_core import figures

    figures.write_figure(figure, path, dpi=150, bbox_inches="tight")


def _record(row: "Row", scale: str, label: str | None) -> Record:
    return {
        "method": row.name,
        "metric": row.metric,
        "scale": scale,
        "queries": row.queries,
        "label": label,
        "group": row.group,
        **_interval(row.estimate),
        "median": plain(row.median),
        "models": row.models,
        "nans": row.nans,
        "difference": None if row.difference is None else _interval(row.difference),
        "skill": None if row.skill is None else plain(row.skill),
    }


def _interval(estimate: "Estimate") -> Record:
    return {name: plain(getattr(estimate, name)) for name in ("mean", "low", "high")}


def plain(value: float) -> float | str | None:
    """Write six digits of a number as JSON can: "inf" for infinity, None for none."""
    if math.isnan(value):
        return None
    return float(f"{value:.6g}") if math.isfinite(value) else str(value)


def _by_method(found: Sequence[Record], title: str) -> Table:
    metrics = [metric for metric in TITLES if any(r["metric"] == metric for r in found)]
    cells = {(r["method"], r["metric"]): with_interval(r) for r in found}
    rows = [
        [method, *(cells.get((method, metric), "-") for metric in metrics)]
        for method in dict.fromkeys(r["method"] for r in found)
    ]
    return grid(title, ["", *(TITLES[metric] for metric in metrics)], rows)


def _by_group(found: Sequence[Record], title: str) -> Table:
    methods = list(dict.fromkeys(r["method"] for r in found))
    cells = {(r["group"], r["method"]): short(r["mean"]) for r in found}
    models = {r["group"]: r["models"] for r in found}
    rows = [
        [group, str(n), *(cells.get((group, method), "-") for method in methods)]
        for group, n in models.items()
    ]
    return grid(title, ["", "models", *methods], rows)


def with_interval(record: Record) -> str:
    """Write a mean with its interval."""
    low, high = short(record["low"]), short(record["high"])
    return f"{short(record['mean'])} [{low}, {high}]"


def short(value: float | str | None) -> str:
    """Write three digits after the point: more than the intervals deserve, less than hides a tie."""
    return "-" if value is None else f"{float(value):.3f}"
