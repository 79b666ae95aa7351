"""The README's tables of the paper's experiments, from what `activa reproduce table1` measured."""

from collections.abc import Iterator, Sequence
from typing import Any

import accuracy_table

Row = dict[str, Any]
METRICS = {"mmd": "MMD", "energy_distance": "ED", "nll": "NLL"}
COLUMNS = ("activa", "best reference", "Bayes", "oracle", "the paper, printed")
TOLD = ("oracle", "bayes_pair", "told_graph")  # they know what no method is told
NOT_MEASURED = "Not yet measured; `activa reproduce table1` does.\n"


def block(results: Sequence[dict[str, Any]]) -> str:
    """Lay out ours beside the best reference and the bounds, a table a metric."""
    rows = [row for result in results for row in result.get("rows", ()) if "printed" in row]
    if not rows:
        return NOT_MEASURED
    return "\n".join("\n".join(table(rows, metric)) + "\n" for metric in METRICS)


def table(rows: Sequence[Row], metric: str) -> Iterator[str]:
    """Lay one metric out, a line a row of the paper's table."""
    yield f"| {METRICS[metric]} | models | {' | '.join(COLUMNS)} |"
    yield "|---|---|" + "---|" * len(COLUMNS)
    for row in rows:
        found = {
            r["method"]: r
            for r in row["results"]
            if (r["scale"], r["label"], r["queries"], r["metric"]) == ("data", None, "all", metric)
            and r["mean"] is not None
        }
        others = [m for m in found if m not in TOLD and not m.startswith("activa")]
        best = min(others, key=lambda method: float(found[method]["mean"]), default=None)
        printed = row["printed"].get("ACTIVA") if metric == "mmd" else None
        cells = (
            _cell(found, "activa"),
            "-" if best is None else f"{_mean(found, best)} ({best})",
            _mean(found, "bayes_pair"),
            _mean(found, "oracle"),
            "-" if printed is None else f"{printed[0]:.2f}",
        )
        yield f"| {row['row']} | {row['models']} | {' | '.join(cells)} |"


def _cell(found: dict[str, Row], method: str) -> str:
    return accuracy_table.cell(found[method]) if method in found else "-"


def _mean(found: dict[str, Row], method: str) -> str:
    return f"{float(found[method]['mean']):.3f}" if method in found else "-"
