"""The README's accuracy tables, from what `activa evaluate --out` measured."""

from collections.abc import Sequence
from typing import Any


def block(results: Sequence[dict[str, Any]]) -> str:
    """Lay all evaluations out."""
    return "\n".join(table(result) for result in results if {"model", "results"} <= result.keys())


def table(evaluation: dict[str, Any]) -> str:
    """Lay one evaluation out in Markdown, with what it was measured on."""
    whole = [
        r
        for r in evaluation["results"]
        if (r["scale"], r["label"], r["queries"]) == ("data", None, "all")
    ]
    methods, metrics = evaluation["titles"]["methods"], evaluation["titles"]["metrics"]
    cells = {(r["method"], r["metric"]): cell(r) for r in whole}
    measured = (
        f"**{evaluation['model']}** on {evaluation['models']} fresh models of {evaluation['data']}, "
        f"{span(evaluation['n_samples'])} rows each, {evaluation['draws']} draws, "
        f"seed {evaluation['seed']} ({evaluation['machine']['processor']}):"
    )
    lines = [
        measured,
        "",
        f"| row | {' | '.join(metrics.values())} |",
        "|---|" + "---|" * len(metrics),
    ]
    for method, title in methods.items():
        numbers = [cells.get((method, metric), "-") for metric in metrics]
        if set(numbers) != {"-"}:
            lines.append(f"| {title} | {' | '.join(numbers)} |")
    for who, (mmd, *_) in evaluation["printed"].items():  # its other columns mean something else
        numbers = [f"{mmd:.2f}" if metric == "mmd" else "-" for metric in metrics]
        lines.append(f"| the paper's {who}, as printed | {' | '.join(numbers)} |")
    return "\n".join(lines) + "\n"


def cell(record: dict[str, Any]) -> str:
    """Write a mean with its 95 % interval over models."""
    if record["mean"] is None:
        return "-"
    mean, low, high = (float(record[name]) for name in ("mean", "low", "high"))
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def span(sizes: list[int]) -> str:
    """Write how many rows a data set has."""
    low, high = sizes
    return f"{low}" if low == high else f"{low} to {high}"
