"""The README's speed tables, from what `nox -s bench` and `nox -s gpu` measured."""

from collections.abc import Iterator, Sequence
from typing import Any

from newest import newest

Result = dict[str, Any]
WANTED = "A100"  # the device that the paper trained on
SHOWN = ("forward and backward", "step")  # a forward pass alone is in the file


def block(results: Sequence[Result]) -> str:
    """Lay the newest measurement of each device out, then what is computed."""
    measured = newest(results, "kernels")
    parts = ["\n".join(table(result)) for result in measured]
    if all(result["accelerator"] for result in measured):
        parts.append("A CPU: not yet measured; `python -m nox -s bench -- kernels --save` does.")
    if not any(WANTED in str(result["accelerator"]) for result in measured):
        parts.append(f"A GPU: not yet measured on an {WANTED}; `python -m nox -s gpu` there does.")
    if measured:
        parts.append("\n".join(floors(max(measured, key=lambda r: str(r["date"])))))
    return "\n\n".join(parts) + "\n"


def table(result: Result) -> Iterator[str]:
    """Lay one measurement out, with what it was measured on."""
    threads = "" if result["accelerator"] else f", {threaded(result['threads'])}"
    yield (
        f"**{result['device']}**{threads} (torch {result['torch']}, {result['clock']}, "
        f"commit {result['commit']}); times faster than"
    )
    yield ""
    yield "| work | precision | the best tuned PyTorch | plain PyTorch, float32 | of torch's matmul |"
    yield "|---|---|---|---|---|"
    for row in (c for c in result["comparisons"] if c["part"] in SHOWN):
        share = row["share_of_matmul"]
        peak = "-" if share is None else f"{share:.0%}"
        best, plain = (row.get(f"times_faster_than_{name}") for name in ("best", "plain"))
        yield f"| {row['case']} | {row['precision']} | {times(best)} | {times(plain)} | {peak} |"
    for memory in result["memory"]:
        taken = [f"{way}: {taken / 1e9:.2f} GB" for way, taken in memory["bytes"].items()]
        yield ""
        yield f"Most memory of a {memory['case']} in float32. {'; '.join(taken)}."


def floors(result: Result) -> Iterator[str]:
    """Lay out what a step costs an A100 at the least."""
    yield f"Computed for an {WANTED} (40 GB) from the shapes, not timed; a step of the blocks:"
    yield ""
    yield "| network | operations | bytes moved | kernels, activa | kernels, PyTorch | at least |"
    yield "|---|---|---|---|---|---|"
    for row in result["computed"]:
        least = row["microseconds"]
        yield (
            f"| {row['shape']} | {row['flops'] / 1e9:.1f} G | {row['bytes'] / 1e6:.0f} MB "
            f"| {row['launches']['activa']} | {row['launches']['PyTorch']} "
            f"| {least['memory']:.0f} us memory, {least['bfloat16']:.0f} us bfloat16 |"
        )


def times(ratio: float | None) -> str:
    """Write a ratio, or a dash."""
    return "-" if ratio is None else f"{ratio:.1f}"


def threaded(number: int) -> str:
    """Write how many threads."""
    return "1 thread" if number == 1 else f"{number} threads"
