"""All rows of a table beside each other: for the terminal, as Markdown, as one picture."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.table import Table

from activa_cli.console import grid
from activa_cli.evaluate import SPREAD
from activa_cli.results import (
    METHODS,
    TITLES,
    Record,
    draw_panel,
    short,
    with_interval,
    write_figure,
)
from activa_cli.standing import PRINTED, SPLIT, counts, mean_of, standing

__all__ = ["draw_all", "markdown", "markdown_table", "summary"]

COLUMNS = ("ours", "best reference", "less ours", "bar", "Bayes", "oracle", "paper")
NOTE = """\
Lower is better but for coverage, which should be 0.90. In brackets: 95 % bootstrap intervals over
causal models. MMD, W1 and ED compare as many predicted rows as there are true ones; NLL is per
row, of the columns that were not set. The paper's conventions for W1 and ED are not known, so only
its MMD can be compared with ours. "Less ours" is the best reference's mean less ours, on the models
that both answered: above zero, ours is better. The bar is what we had set ourselves.
"""
POINT_MASSES = """\
In {share:.1%} of the queries a column that nobody set is constant in the truth: a gene that is off.
There a density has no bound, and the NLL says how near to a point mass a method dares to go. The
NLL of the other queries:
"""


def summary(found: Sequence[Record]) -> Iterator[Table]:
    """Lay out ours beside the best reference and the bounds: a table a metric, a line a row."""
    for metric in SPLIT:
        head = ["", "models", *COLUMNS]
        lines = [[row["row"], str(row["models"]), *_beside(row, metric)] for row in found]
        yield grid(f"Table 1, {TITLES[metric]}", head, lines)


def markdown(found: Sequence[Record]) -> str:
    """Write the summary, then every row with all its methods."""
    parts = ["# Table 1", NOTE]
    for metric in SPLIT:
        head = ["row", "models", *COLUMNS]
        lines = [[row["row"], str(row["models"]), *_beside(row, metric)] for row in found]
        parts += [f"{TITLES[metric]}:", "", markdown_table(head, lines)]
    return "\n".join([*parts, *(_section(row) for row in found)])


def draw_all(found: Sequence[Record], path: Path) -> None:
    """Draw all rows and methods, with lines where the truth and the best possible answer stand."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    metrics = ("mmd", "energy_distance", "wasserstein", "nll")
    shown = [[r for r in row["results"] if counts(r)] for row in found]
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
                mean = mean_of(results, bound, metric)
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


def _beside(row: Record, metric: str) -> list[str]:
    """Lay out where a row's model stands."""
    at = standing(row)[metric]
    best, less = at["best reference"], at["less ours"]
    return [
        short(None if at["ours"] is None else at["ours"]["mean"]),
        "-" if best is None else f"{short(best['mean'])} ({best['method']})",
        "-" if less is None else with_interval(less),
        *(short(at[bound]) for bound in ("bar", "Bayes", "oracle", "paper")),
    ]


def _section(row: Record) -> str:
    """One row of the table: all its methods, and apart the queries with and without an effect."""
    results = row["results"]
    low, high = row["n_samples"]
    n = low if low == high else f"{low} to {high}"
    card, origin = row["card"], f"The model {row['model']} is not shipped."
    if card:
        before = f", from {card['origin']}" if card["origin"] else ""
        origin = (
            f"Model {row['model']}, {card['steps']} steps, {card['models_seen']:,} models seen"
            f"{before}; {row['draws']} draws."
        )
    measured = (
        f"{row['models']} fresh models ({row['slow_models']} for the slow rows), {n} samples, "
        f"seed {row['seed']}. {origin} Measured in {row['seconds']:.0f} s on "
        f"{row['machine']['processor']}."
    )
    whole = [r for r in results if counts(r)]
    names = [method for method in METHODS if any(r["method"] == method for r in whole)]
    lines = [[METHODS[name], *(_cell(whole, name, metric) for metric in TITLES)] for name in names]
    for who, numbers in row["printed"].items():
        told = dict(zip(PRINTED, numbers, strict=True))
        cells = [str(told[metric]) if metric in told else "-" for metric in TITLES]
        lines.append([f"the paper's {who}, as printed", *cells])
    parts = [f"## {row['row']}", measured, "", markdown_table(["row", *TITLES.values()], lines)]
    parts += [_not_finite(whole), ""]
    spread = [r for r in results if counts(r, SPREAD)]
    if spread:
        able = [name for name in names if mean_of(whole, name, "nll") is not None]
        of_spread = [[METHODS[name], _cell(spread, name, "nll")] for name in able]
        parts.append(POINT_MASSES.format(share=row["point_masses"]))
        parts.append(markdown_table(["row", TITLES["nll"]], of_spread))
    kinds = [k for k in ("effect", "no effect") if any(r["queries"] == k for r in results)]
    if kinds:
        head = ["row", *(f"{TITLES[m]}, {kind}" for kind in kinds for m in SPLIT)]
        of_kind = {k: [r for r in results if counts(r, k)] for k in kinds}
        apart = [
            [METHODS[name], *(_cell(of_kind[k], name, m) for k in kinds for m in SPLIT)]
            for name in names
        ]
        parts += ["Queries whose target has a child, and those whose target has none:", ""]
        parts.append(markdown_table(head, apart))
    return "\n".join(parts)


def _not_finite(results: Sequence[Record]) -> str:
    """Say which numbers are missing from the means, and which means are infinite."""
    missing = []
    for r in results:
        if r["metric"] in TITLES and (r["nans"] or isinstance(r["mean"], str)):
            what = "infinite" if isinstance(r["mean"], str) else f"{r['nans']} queries without"
            missing.append(f"{TITLES[r['metric']]} of {r['method']} ({what})")
    return f"Not finite: {', '.join(missing) or 'nothing'}."


def _cell(results: Sequence[Record], method: str, metric: str) -> str:
    for r in results:
        if (r["method"], r["metric"]) == (method, metric) and r["mean"] is not None:
            return with_interval(r)
    return "-"


def markdown_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Lay out a table in Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
