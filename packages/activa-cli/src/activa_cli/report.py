"""All rows of a table beside each other: for the terminal, as Markdown, as one picture."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.table import Table

from activa_cli.console import grid
from activa_cli.results import TITLES, Record, draw_panel, short, with_interval, write_figure

__all__ = ["draw_all", "markdown", "markdown_table", "summary"]

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
OURS = ("activa", "activa_one_draw")
COLUMNS = ("ours", "best reference", "Bayes", "oracle", "paper")
KNOWING = ("oracle", "bayes_pair", "told_graph")  # they are told what no method can know
PRINTED = ("mmd", "wasserstein", "energy_distance")  # in the order of the paper's columns
SPLIT = ("mmd", "energy_distance", "nll")
NOTE = """\
Lower is better but for coverage, which should be 0.90. In brackets: 95 % bootstrap intervals over
causal models. MMD, W1 and ED compare as many predicted rows as there are true ones; NLL is per
row, of the columns that were not set. The paper's conventions for W1 and ED are not known, so only
its MMD can be compared with ours.
"""


def summary(found: Sequence[Record]) -> Iterator[Table]:
    """Lay out ours beside the best reference and the bounds: a table a metric, a line a row."""
    for metric in SPLIT:
        head = ["", "models", *COLUMNS]
        lines = [[row["row"], str(row["models"]), *_beside(row, metric).values()] for row in found]
        yield grid(f"Table 1, {TITLES[metric]}", head, lines)


def markdown(found: Sequence[Record]) -> str:
    """Write the summary, then every row with all its methods."""
    parts = ["# Table 1", NOTE]
    for metric in SPLIT:
        head = ["row", "models", *COLUMNS]
        lines = [[row["row"], str(row["models"]), *_beside(row, metric).values()] for row in found]
        parts += [f"{TITLES[metric]}:", "", markdown_table(head, lines)]
    return "\n".join([*parts, *(_section(row) for row in found)])


def draw_all(found: Sequence[Record], path: Path) -> None:
    """Draw all rows and methods, with lines where the truth and the best possible answer stand."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    metrics = ("mmd", "energy_distance", "wasserstein", "nll")
    shown = [[r for r in row["results"] if _counts(r)] for row in found]
    methods = [[m for m in METHODS if any(r["method"] == m for r in s)] for s in shown]
    heights = [len(names) + 1.5 for names in methods]
    figure = Figure(figsize=(13, 0.26 * sum(heights) + 0.5), layout="constrained")
    axes = figure.subplots(
        len(found), len(metrics), squeeze=False, height_ratios=heights, sharey="row"
    )
    for row, results, names, panels in zip(found, shown, methods, axes, strict=True):
        for metric, panel in zip(metrics, panels, strict=True):
            draw_panel(panel, results, metric, names)
            for bound, style in (("oracle", ":"), ("bayes_pair", "--")):
                mean = _mean(results, bound, metric)
                if mean is not None:
                    panel.axvline(mean, color="gray", linestyle=style, linewidth=1)
            panel.set_title(f"{row['row']}: {TITLES[metric]}", fontsize=9, loc="left")
            if metric in ("energy_distance", "wasserstein"):
                panel.set_xscale("log")
                panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
                panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
                panel.xaxis.set_minor_formatter(NullFormatter())
        panels[0].invert_yaxis()
    write_figure(figure, path)


def _beside(row: Record, metric: str) -> dict[str, str]:
    """Ours, the best of the references that know no more than we do, and the bounds."""
    results = [r for r in row["results"] if _counts(r)]
    means = {name: _mean(results, name, metric) for name in METHODS}
    others = {
        name: mean
        for name, mean in means.items()
        if name not in (*OURS, *KNOWING) and mean is not None
    }
    best = min(others, key=others.__getitem__, default=None)
    printed = row["printed"].get("ACTIVA") if metric == "mmd" else None
    return {
        "ours": short(means["activa"]),
        "best reference": "-" if best is None else f"{short(others[best])} ({best})",
        "Bayes": short(means["bayes_pair"]),
        "oracle": short(means["oracle"]),
        "paper": short(None if printed is None else printed[0]),
    }


def _section(row: Record) -> str:
    """One row of the table: all its methods, and apart the queries with and without an effect."""
    results = row["results"]
    low, high = row["n_samples"]
    n = low if low == high else f"{low} to {high}"
    origin = (
        f"Model {row['model']}, {row['card']['steps']} steps, {row['card']['models_seen']:,} models "
        f"seen, {row['draws']} draws."
        if row["card"]
        else f"The model {row['model']} is not shipped."
    )
    measured = (
        f"{row['models']} fresh models ({row['slow_models']} for the slow rows), {n} samples, "
        f"seed {row['seed']}. {origin} Measured in {row['seconds']:.0f} s on "
        f"{row['machine']['processor']}."
    )
    whole = [r for r in results if _counts(r)]
    names = [method for method in METHODS if any(r["method"] == method for r in whole)]
    lines = [[METHODS[name], *(_cell(whole, name, metric) for metric in TITLES)] for name in names]
    for who, numbers in row["printed"].items():
        told = dict(zip(PRINTED, numbers, strict=True))
        cells = [str(told[metric]) if metric in told else "-" for metric in TITLES]
        lines.append([f"the paper's {who}, as printed", *cells])
    parts = [f"## {row['row']}", measured, "", markdown_table(["row", *TITLES.values()], lines)]
    kinds = [k for k in ("effect", "no effect") if any(r["queries"] == k for r in results)]
    if kinds:
        head = ["row", *(f"{TITLES[m]}, {kind}" for kind in kinds for m in SPLIT)]
        of_kind = {k: [r for r in results if _counts(r, k)] for k in kinds}
        apart = [
            [METHODS[name], *(_cell(of_kind[k], name, m) for k in kinds for m in SPLIT)]
            for name in names
        ]
        parts += ["Queries whose target has a child, and those whose target has none:", ""]
        parts.append(markdown_table(head, apart))
    return "\n".join(parts)


def _counts(record: Record, queries: str = "all") -> bool:
    return (record["scale"], record["label"], record["queries"]) == ("data", None, queries)


def _mean(results: Sequence[Record], method: str, metric: str) -> float | None:
    for r in results:
        if (r["method"], r["metric"]) == (method, metric) and r["mean"] is not None:
            return float(r["mean"])
    return None


def _cell(results: Sequence[Record], method: str, metric: str) -> str:
    for r in results:
        if (r["method"], r["metric"]) == (method, metric) and r["mean"] is not None:
            return with_interval(r)
    return "-"


def markdown_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Lay out a table in Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
