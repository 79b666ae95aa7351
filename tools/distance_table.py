"""The table of activa-eval's README, from what `nox -s bench -- eval` measured."""

from collections.abc import Iterator, Sequence
from typing import Any

from laid_out import absent, digits, joined
from newest import newest

Result = dict[str, Any]
OURS, TWO, APART = "activa", "activa, 2 threads", "activa, 2 processes"


def block(results: Sequence[Result]) -> str:
    """Lay out the newest times of each device."""
    parts = ["\n".join(table(result)) for result in newest(results, "eval")]
    return joined(parts, "eval")


def table(result: Result) -> Iterator[str]:
    """Lay one measurement out, a line a case."""
    yield (
        f"**{result['device']}** (commit {result['commit']}, float32 samples); CPU time of one thread, how "
        "many times longer others take, and how many times as fast two threads are by the clock, beside two "
        "processes that share nothing"
    )
    yield ""
    yield "| distance, pairs of rows x columns | activa | others | 2 threads | 2 processes |"
    yield "|---|---|---|---|---|"
    for case in dict.fromkeys(row["case"] for row in result["rows"]):
        ways = {row["way"]: row for row in result["rows"] if row["case"] == case}
        others = sorted((row["times_activa"], way) for way, row in ways.items()
                        if way not in (OURS, TWO, APART))  # fmt: skip
        times = ", ".join(f"{way} {digits(ratio, 10.0)}" for ratio, way in others)
        seconds = ways[OURS]["seconds"]["median"]
        by_two = (
            f"{1 / ways[way]['times_activa']:.2f}" if way in ways else "-" for way in (TWO, APART)
        )
        yield f"| {case} | {digits(1e3 * seconds, 10.0)} ms | {times} | {' | '.join(by_two)} |"
    yield from absent(result)
