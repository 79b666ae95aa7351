"""The README's tables of the paper's experiments, from what `activa reproduce table1` measured."""

from collections.abc import Iterator, Sequence
from typing import Any

import accuracy_table

COLUMNS = ("activa", "best reference", "Bayes", "oracle", "the paper, printed")
METRICS = ("mmd", "energy_distance", "nll")
NOT_MEASURED = "Not yet measured; `activa reproduce table1` does.\n"


def block(results: Sequence[dict[str, Any]]) -> str:
    """Lay out ours beside the best reference and the bounds, a table a metric."""
    tables = [result for result in results if any("standing" in r for r in result.get("rows", ()))]
    if not tables:
        return NOT_MEASURED
    laid_out = (table(result, metric) for result in tables for metric in METRICS)
    return "\n".join("\n".join(lines) + "\n" for lines in laid_out)


def table(result: dict[str, Any], metric: str) -> Iterator[str]:
    """Lay one metric out, a line a row of the paper's table."""
    yield f"| {result['titles']['metrics'][metric]} | models | {' | '.join(COLUMNS)} |"
    yield "|---|---|" + "---|" * len(COLUMNS)
    for row in result["rows"]:
        at = row["standing"][metric]
        best, printed = at["best reference"], at["paper"]
        cells = (
            "-" if at["ours"] is None else accuracy_table.cell(at["ours"]),
            "-" if best is None else f"{best['mean']:.3f} ({best['method']})",
            *("-" if at[bound] is None else f"{at[bound]:.3f}" for bound in ("Bayes", "oracle")),
            "-" if printed is None else f"{printed:.2f}",
        )
        yield f"| {row['row']} | {row['models']} | {' | '.join(cells)} |"
