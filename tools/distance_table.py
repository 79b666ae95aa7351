"""The table of activa-eval's README, from what `nox -s bench -- eval` measured."""

from collections.abc import Iterator, Sequence
from typing import Any

from newest import newest

Result = dict[str, Any]
OURS, TWO = "activa", "activa, 2 threads"


def block(results: Sequence[Result]) -> str:
    """Lay out the newest times of each device."""
    parts = ["\n".join(table(result)) for result in newest(results, "eval")]
    return (
        "\n\n".join(parts or ["Not yet measured; `python -m nox -s bench -- eval --save` does."])
        + "\n"
    )


def table(result: Result) -> Iterator[str]:
    """Lay one measurement out, a line a case."""
    yield (
        f"**{result['device']}** (commit {result['commit']}, float32 samples); CPU time of one thread, how "
        "many times longer others take, and how many times as fast two threads are by the clock"
    )
    yield ""
    yield "| distance, pairs of rows x columns | activa | others | 2 threads |"
    yield "|---|---|---|---|"
    for case in dict.fromkeys(row["case"] for row in result["rows"]):
        ways = {row["way"]: row for row in result["rows"] if row["case"] == case}
        others = sorted((row["times_activa"], way) for way, row in ways.items()
                        if way not in (OURS, TWO))  # fmt: skip
        times = ", ".join(f"{way} {digits(ratio)}" for ratio, way in others)
        seconds, ratio = ways[OURS]["seconds"]["median"], ways[TWO]["times_activa"]
        yield f"| {case} | {digits(1e3 * seconds)} ms | {times} | {1 / ratio:.2f} |"
    for name, why in result["absent"].items():
        yield ""
        yield f"{name} could not be measured: {why}."


def digits(number: float) -> str:
    """Write a number with a digit after the point where it is small."""
    return f"{number:,.0f}" if number >= 10.0 else f"{number:.1f}"
