"""The README's accuracy tables, from what `activa evaluate --out` measured."""

from collections.abc import Sequence
from typing import Any

METRICS = {
    "mmd": "MMD",
    "wasserstein": "W1",
    "energy_distance": "ED",
    "nll": "NLL",
    "coverage_90": "90 % coverage",
}
METHODS = {
    "activa": "**activa**",
    "oracle": "oracle: a second sample of the truth",
    "no_change": "no change",
    "conditional_gaussian": "conditional Gaussian (the paper's baseline)",
    "hedge": "hedge: half no change, half conditional",
    "eqvar": "eqvar: equal noise variances give the order",
    "lingam": "lingam: the shape of the noises gives the order",
    "ida": "ida: all parent sets that fit a PC graph",
    "told_graph": "told the graph",
    "bayes_pair": "Bayes: the simulator's law known",
}
PRINTED_MMD = {"gauss-2": 0.29, "beta-2": 0.21, "gauss-8": 0.65, "beta-8": 0.77}  # Table 1


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
    cells = {(r["method"], r["metric"]): cell(r) for r in whole}
    measured = (
        f"**{evaluation['model']}** on {evaluation['models']} fresh models of {evaluation['data']}, "
        f"{span(evaluation['n_samples'])} rows each, {evaluation['draws']} draws, "
        f"seed {evaluation['seed']} ({evaluation['machine']['processor']}):"
    )
    lines = [
        measured,
        "",
        f"| row | {' | '.join(METRICS.values())} |",
        "|---|" + "---|" * len(METRICS),
    ]
    for method, title in METHODS.items():
        numbers = [cells.get((method, metric), "-") for metric in METRICS]
        if set(numbers) != {"-"}:
            lines.append(f"| {title} | {' | '.join(numbers)} |")
    if evaluation["model"] in PRINTED_MMD and evaluation["model"] == evaluation["data"]:
        printed = f"{PRINTED_MMD[evaluation['model']]:.2f}"
        lines.append(f"| the paper's ACTIVA, as printed | {printed} | - | - | - | - |")
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
