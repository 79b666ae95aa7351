"""What an ablation found: as JSON, as a table in Markdown, as a picture."""

from collections.abc import Sequence
from pathlib import Path

from activa_cli.report import markdown_table
from activa_cli.results import (
    TITLES,
    Record,
    draw_panel,
    short,
    with_interval,
    write,
    write_figure,
)

__all__ = ["write_report"]

COMPARED = ("nll", "mmd", "energy_distance")


def write_report(answer: Record, out: Path) -> str:
    """Write ablation.json, ablation.md and ablation.png into a folder; the Markdown."""
    from activa_core.files import write_whole

    found = [r for r in answer["results"] if (r["label"], r["queries"]) == (None, "all")]
    text = "\n".join([_opening(answer), markdown_table(*_table(answer["variants"], found))])
    write(answer, out / "ablation.json")
    write_whole(out / "ablation.md", text.encode())
    differences = [{**r, **r["difference"]} for r in found if r["difference"] is not None]
    if differences:
        _draw(differences, out / "ablation.png")
    return text


def _opening(answer: Record) -> str:
    study, machine = answer["study"], answer["machine"]
    seeds = ", ".join(map(str, study["seeds"]))
    return (
        f"Changes to {study['recipe']}: {study['steps']} steps each, seed {seeds}, scored on the "
        f"same {study['models']} held-out models at each number of rows, in the units of the data, "
        f"with {study['draws']} draws where nothing else is said. Differences are to the base, "
        f"with 95 % bootstrap intervals over models; how far another seed would fall is not in "
        f"them. {machine['processor']}, commit {answer['commit']}.\n"
    )


def _table(
    variants: Sequence[Record], found: Sequence[Record]
) -> tuple[list[str], list[list[str]]]:
    """Head and lines: scores, differences to the base, and what it took."""
    cells = {(r["method"], r["metric"]): r for r in found}
    titles = [f"{TITLES[m]}{less}" for m in COMPARED for less in ("", ", less base's")]
    head = ["change", *titles, TITLES["coverage_90"], "parameters", "CPU s", "steps / CPU s"]
    lines = []
    for variant in variants:
        name = variant["name"]
        if "failed" in variant:
            lines.append([name, variant["failed"], *["-"] * (len(head) - 2)])
            continue
        line = [name]
        for metric in COMPARED:
            r = cells[name, metric]
            line += [
                short(r["mean"]),
                "-" if r["difference"] is None else with_interval(r["difference"]),
            ]
        cpu = variant["cpu_seconds"]
        speed = f"{variant['steps'] / cpu:.2f}" if cpu else "-"
        covered = short(cells[name, "coverage_90"]["mean"])
        lines.append([*line, covered, f"{variant['parameters']:,}", f"{cpu:.0f}", speed])
    return head, lines


def _draw(differences: Sequence[Record], path: Path) -> None:
    """Draw each variant's difference to the base, a panel a metric; left is better."""
    from matplotlib.figure import Figure

    methods = list(dict.fromkeys(r["method"] for r in differences))
    figure = Figure(figsize=(11, 0.26 * len(methods) + 1.2), layout="constrained")
    panels = figure.subplots(1, len(COMPARED), sharey=True)
    for panel, metric in zip(panels, COMPARED, strict=True):
        draw_panel(panel, differences, metric, methods)
        panel.axvline(0.0, color="gray", linestyle=":", linewidth=1)
        panel.set_title(f"{TITLES[metric]}, less the base's", fontsize=9, loc="left")
    panels[0].invert_yaxis()
    write_figure(figure, path)
