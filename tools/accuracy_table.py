"""Write the README's accuracy tables from what `activa evaluate --out` measured.

`python tools/accuracy_table.py` rewrites the part between the two markers; `--check` only says
whether that part is what benchmarks/results/*.json give. No number in it is typed by hand.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- accuracy: begin -->\n", "<!-- accuracy: end -->"
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
}
PRINTED_MMD = {"gauss-2": 0.29, "beta-2": 0.21, "gauss-8": 0.65, "beta-8": 0.77}  # Table 1


def main() -> int:
    """Rewrite or check the README; 1 if the check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    results = [json.loads(f.read_text()) for f in sorted(ROOT.glob("benchmarks/results/*.json"))]
    evaluations = [result for result in results if "results" in result]
    tables = "\n".join(table(result) for result in evaluations)
    fresh = f"{before}{BEGIN}{tables}{END}{after}"
    if check:
        agrees = fresh == text
        verdict = "agree" if agrees else "differ; run python tools/accuracy_table.py"
        print(f"README.md and benchmarks/results {verdict}")
        return int(not agrees)
    README.write_text(fresh, encoding="utf-8")
    return 0


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


if __name__ == "__main__":
    sys.exit(main())
