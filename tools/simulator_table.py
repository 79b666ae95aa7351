"""The tables of activa-sim's README, from what `nox -s bench -- sim` measured."""

from collections.abc import Iterator, Sequence
from typing import Any

from laid_out import absent, digits, joined
from newest import newest

Result = dict[str, Any]


def block(results: Sequence[Result]) -> str:
    """Lay the newest rates of each device out, then what a stream costs a training."""
    rates, streams = (newest(results, suite) for suite in ("sim", "sim --stream"))
    parts = ["\n".join(table(result)) for result in rates]
    parts += ["\n".join(shares(result)) for result in streams]
    return joined(parts, "sim")


def table(result: Result) -> Iterator[str]:
    """Lay one measurement out, with what it was measured on."""
    yield (
        f"**{result['device']}** (numpy {result['numpy']}, commit {result['commit']}); models a "
        "second of one thread's CPU time, and as a share of activa's"
    )
    yield ""
    yield "| drawn | by | models/s | of activa's |"
    yield "|---|---|---|---|"
    for row in (row for row in result["rows"] if row["threads"] == 1):
        rate, name = row["models_a_second"], row["way"]
        label = f"**{name}**" if name == "activa" else f"{name} {row['version']}".strip()
        if name == "activa, NumPy" or "numpy" in row["version"]:
            label = name
        median, low, high = (digits(rate[part], 100.0) for part in ("median", "low", "high"))
        yield f"| {row['case']} | {label} | {median} [{low}, {high}] | {row['times_activa']:.2g} |"
    for row in (row for row in result["rows"] if row["threads"] > 1):
        times = row["times_activa"]
        yield ""
        yield f"{row['case']} by {row['threads']} threads: {times:.2f} times as fast by the clock."
    yield from absent(result)


def shares(result: Result) -> Iterator[str]:
    """Lay out what streams cost, and the memory that they took."""
    yield f"**{result['device']}** (commit {result['commit']}); a stream that feeds a training"
    yield ""
    yield "| recipe | models a step | a step | drawing its batch | share |"
    yield "|---|---|---|---|---|"
    for row in result["shares"]:
        yield (
            f"| {row['recipe']} | {row['models']} | {1e3 * row['step_seconds']:.1f} ms "
            f"| {1e3 * row['drawing_seconds']:.2f} ms | {row['share_by_itself']:.2%} |"
        )
    first, last = result["memory"][0], result["memory"][-1]
    yield ""
    yield (
        f"A stream of {last['models']:,} models of gauss-2 had taken {first['most_mib']:.0f} MiB after "
        f"a tenth of them and {last['most_mib']:.0f} MiB at its end, the interpreter included."
    )
