"""The table of activa-eval's README, from what `nox -s bench -- eval` measured."""

from collections.abc import Iterator, Sequence
from typing import Any

from laid_out import absent, digits, joined
from newest import newest

Result = dict[str, Any]
OURS, TWO = "activa", "activa, 2 threads"


def block(results: Sequence[Result]) -> str:
    """Lay out the newest times of each device."""
    parts = ["\n".join(table(result)) for result in newest(results, "eval")]
    return joined(parts, "eval")


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
        times = ", ".join(f"{way} {digits(ratio, 10.0)}" for ratio, way in others)
        seconds, ratio = ways[OURS]["seconds"]["median"], ways[TWO]["times_activa"]
        yield f"| {case} | {digits(1e3 * seconds, 10.0)} ms | {times} | {1 / ratio:.2f} |"
    yield from absent(result)
