"""Measurements as rows, as ratios of ours to the others, as text and as a picture."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from cases import Case, Way

Row = dict[str, Any]
Times = Mapping[tuple[str, str, str], Sequence[float]]  # of case, way and precision
PLAIN = "PyTorch"  # the way that nobody tuned, in float32


def row(case: Case, way: Way, times: Sequence[float], implementation: str, peak: float) -> Row:
    """Describe how long a way took; percentiles are over the rounds."""
    middle = median(times)
    rate = None if case.flops is None else case.flops / middle
    return {
        "case": case.name,
        "kind": case.kind,
        "part": case.part,
        "shape": case.shape.name,
        "way": way.name,
        "precision": way.precision,
        "ours": way.ours,
        "before": way.process == "base",
        "tuned": not way.ours and (way.name, way.precision) != (PLAIN, "float32"),
        "implementation": implementation,
        "rounds": len(times),
        "seconds": summary(times),
        "operations_a_second": None if rate is None else rounded(rate),
        "share_of_matmul": None if rate is None else round(rate / peak, 3),
    }


def comparisons(rows: Sequence[Row], times: Times) -> list[Row]:
    """Compare our fastest way with the fastest tuned other at equal precision, and with plain.

    A ratio is the median over rounds, in each of which all ways ran once after another.
    """
    return list(_comparisons(rows, times))


def _comparisons(rows: Sequence[Row], times: Times) -> Iterator[Row]:
    for case in dict.fromkeys(r["case"] for r in rows):
        here = [r for r in rows if r["case"] == case]
        for precision in dict.fromkeys(r["precision"] for r in here):
            narrow = [r for r in here if r["precision"] == precision]
            ours = _fastest(r for r in narrow if r["ours"] and not r["before"])
            if ours is None:
                continue
            others = {
                "best": _fastest(r for r in narrow if not r["ours"]),
                "plain": _fastest(r for r in here if not r["ours"] and not r["tuned"]),
                "before": _fastest(r for r in narrow if r["before"]),
            }
            found = {"case": case, "kind": ours["kind"], "part": ours["part"],
                     "shape": ours["shape"], "precision": precision, "ours": ours["way"],
                     "share_of_matmul": ours["share_of_matmul"]}  # fmt: skip
            for name, other in others.items():
                if other is not None:
                    mine, theirs = (
                        times[r["case"], r["way"], r["precision"]] for r in (ours, other)
                    )
                    ratio = median(b / a for a, b in zip(mine, theirs, strict=True))
                    found |= {name: other["way"], f"times_faster_than_{name}": round(ratio, 2)}
            yield found


def text(rows: Sequence[Row], failed: dict[str, str]) -> str:
    """Lay the rows of one case out."""
    lines = [rows[0]["case"]] if rows else []
    for r in rows:
        low, middle, high = (1e3 * r["seconds"][k] for k in ("low", "median", "high"))
        share = "" if r["share_of_matmul"] is None else f"{r['share_of_matmul']:.0%} of matmul"
        lines.append(
            f"  {r['way']:<50} {r['precision']:<9} {middle:9.2f} ms [{low:.2f}, {high:.2f}]"
            f"  {share:<14} {r['implementation']}"
        )
    return "\n".join([*lines, *(f"  {way}: {reason}" for way, reason in failed.items())])


def verdicts(found: Sequence[Row]) -> str:
    """Lay the comparisons out."""
    lines = [f"{'times faster than':<52} {'best tuned':>10} {'plain':>6} {'before':>7}  best tuned"]
    for r in found:
        ratios = (r.get(f"times_faster_than_{name}") for name in ("best", "plain", "before"))
        best, plain, before = ("-" if ratio is None else f"{ratio:.2f}" for ratio in ratios)
        title = f"{r['case']}, {r['precision']}"
        lines.append(f"{title:<52} {best:>10} {plain:>6} {before:>7}  {r.get('best', '-')}")
    return "\n".join(lines)


def draw(found: Sequence[Row], title: str, path: Path) -> None:
    """Draw how many times faster ours is than the best tuned other, and than the plain one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 0.3 * len(found) + 1.8), layout="constrained")
    panel = figure.subplots()
    colours = {"float32": "#0b6fa4", "bfloat16": "#d9730d"}
    for place, r in enumerate(found):
        ratio = r.get("times_faster_than_best")
        if ratio is not None:
            panel.barh(place, ratio, color=colours[r["precision"]], height=0.7)
        plain = r.get("times_faster_than_plain")
        if plain is not None:
            panel.plot(plain, place, "|", color="#1f2933", markersize=11, markeredgewidth=2)
    for precision, colour in colours.items():
        label = f"than the best tuned PyTorch, {precision}"
        panel.barh([0], [0], color=colour, label=label)
    panel.plot([], [], "|", color="#1f2933", markersize=11, markeredgewidth=2,
               label="than plain PyTorch, float32", linestyle="none")  # fmt: skip
    panel.set_yticks(range(len(found)), [f"{r['case']}, {r['precision']}" for r in found])
    panel.axvline(1.0, color="#9aa5b1", linewidth=1)
    panel.set(xlabel="times faster", title=title, xlim=(0, None))
    panel.invert_yaxis()
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)
    figure.legend(fontsize=8, frameon=False, loc="outside lower center", ncols=3)
    figure.savefig(path, dpi=130)


def _fastest(rows: Iterator[Row]) -> Row | None:
    return min(rows, key=lambda r: r["seconds"]["median"], default=None)


def spread(times: Sequence[float]) -> tuple[float, float]:
    """Give the 20th and the 80th percentile."""
    if len(times) < 2:
        return times[0], times[0]
    fifths = quantiles(times, n=5, method="inclusive")
    return fifths[0], fifths[3]


def summary(values: Sequence[float]) -> dict[str, float]:
    """Give the median and the `spread` as results have them."""
    low, high = spread(values)
    return {"median": rounded(median(values)), "low": rounded(low), "high": rounded(high)}


def rounded(value: float) -> float:
    """Give a number to four digits."""
    return float(f"{value:.4g}")
