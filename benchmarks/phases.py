"""Where the time of a block and of a training step goes: `nox -s bench -- profile`.

The compiled block looks at the CPU time of its thread at the end of each phase (stopwatch.hpp), in
the build that everybody runs. Beside the seconds stand the operations of a phase's products, with
the rate of torch's own large product in the same run, or the bytes that it reads and writes, most
of which stay in the cache. One thread, medians over rounds.
"""

import argparse
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from cases import SUITES, Case, Precision, Shape, Way
from processes import Process, commit_here
from report import rounded
from save import save

PASSES = ("forward", "backward")
SECONDS = 4.0  # of the rounds of a case
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
FLOAT = 4  # bytes
Row = dict[str, Any]
Counts = dict[tuple[str, str], int]  # of a pass and a phase


def measure(options: argparse.Namespace) -> Path:
    """Measure every chosen block and step, print them and write the result."""
    settings = {"suite": "kernels", "quick": options.quick, "device": "cpu", "threads": 1,
                "dropout": options.dropout}  # fmt: skip
    worker = Path(__file__).with_name("profile_worker.py")
    found: dict[str, list[Row]] = {"block": [], "step": []}
    with Process("plain", settings) as plain, Process("activa", settings, None, worker) as ours:
        machine = ours.ask("describe")
        peak = {p: max(plain.ask("matmul", precision=p) for _ in range(3)) for p in PRECISIONS}
        for case, precision in chosen(options.only, quick=options.quick):
            way = Way("activa", precision, "activa", ours=True)
            seconds = 0.0 if options.quick else SECONDS
            rounds = ours.ask("rounds", case=case.name, way=vars(way), seconds=seconds)
            row = described(case, precision, rounds, peak[precision])
            found[case.kind].append(row)
            print(text(row), flush=True)
        copied = ours.ask("copy")
    device = f"{machine['processor']} {machine['instruction_set']}"
    result = {
        "suite": "profile",
        "device": device,
        **{name: machine[name] for name in ("processor", "instruction_set", "torch")},
        "commit": commit_here(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "dropout": options.dropout,
        "quick": options.quick,
        "clock": "CPU seconds of one thread",
        "matmul": peak,
        "copy": copied,  # bytes read and written a second
        "blocks": found["block"],
        "steps": found["step"],
    }
    return save(result, options.folder, "profile", device, str(result["commit"]))


def chosen(only: str, *, quick: bool) -> Iterator[tuple[Case, Precision]]:
    """Blocks, forward and backward, and steps, in both precisions."""
    for case in SUITES["kernels"](quick=quick):
        profiled = case.kind == "step" or (case.kind == "block" and case.part != "forward")
        if profiled and only in case.name:
            yield from ((case, precision) for precision in PRECISIONS)


def operations(shape: Shape, axis: str) -> Counts:
    """Operations of the products of a block, without the scores that the way back makes again."""
    tokens, e, h = shape.B * shape.N * shape.d, shape.e, shape.h
    sequence = shape.N if axis == "samples" else shape.d
    of_rows = {
        "query_key_value": 6 * tokens * e * e,
        "projection": 2 * tokens * e * e,
        "feed_forward": 4 * tokens * e * h,
    }
    attention = 4 * tokens * sequence * e
    return {
        **{(name, phase): n for name in PASSES for phase, n in of_rows.items()},
        ("forward", "attention"): attention,
        ("backward", "attention"): 2 * attention,
        ("backward", "weight_gradients"): sum(of_rows.values()),
    }


def moved(shape: Shape, precision: Precision) -> Counts:
    """Bytes that the phases without products read and write, where bfloat16 is multiplied as such."""
    size = 2 if precision == "bfloat16" else FLOAT  # of an input of products; all else is float32
    numbers = shape.B * shape.N * shape.d * shape.e
    hidden = numbers // shape.e * shape.h
    return {
        ("forward", "norm"): 2 * (FLOAT + size) * numbers,
        ("forward", "residual"): 2 * 3 * FLOAT * numbers,
        ("forward", "gelu"): 2 * size * hidden,
        ("backward", "norm"): 2 * (5 * FLOAT + size) * numbers,  # the rows again, and gradients
        ("backward", "residual"): (8 * FLOAT + 5 * size) * numbers,
        ("backward", "gelu"): (FLOAT + 3 * size) * hidden,
        ("backward", "layout"): 2 * size * (8 * numbers + 2 * hidden) if size < FLOAT else 0,
    }


def described(case: Case, precision: Precision, rounds: list[Row], peak: float) -> Row:
    """Describe the rounds of a block by phase, or of a step by stage.

    `least` is what the products would take at the peak; `watched`, how many times as long a round
    took that was watched.
    """
    assert case.flops is not None
    alone = median(r["alone"] for r in rounds)
    if case.kind == "block":
        parts = phases(case, precision, rounds, peak)
        watched = [sum(map(_total, r["passes"].values())) for r in rounds]
    else:
        parts = stages(rounds)
        watched = [_total(r["stages"]) - r["stages"]["data"] for r in rounds]
    whole = sum(part["seconds"] for part in parts)
    for part in parts:
        part["share"] = round(part["seconds"] / whole, 4)
    return {
        "case": case.name,
        "shape": case.shape.name,
        "axis": case.axis,
        "precision": precision,
        "rounds": len(rounds),
        "seconds": rounded(alone),
        "watched": round(median(w / r["alone"] for w, r in zip(watched, rounds, strict=True)), 3),
        "operations": case.flops,
        "share_of_matmul": round(case.flops / alone / peak, 3),
        "least": rounded(case.flops / peak),
        "parts": parts,
    }


def phases(case: Case, precision: Precision, rounds: list[Row], peak: float) -> list[Row]:
    """Give each phase of the compiled block, and autograd and Python around it."""
    counted, bytes_of = operations(case.shape, case.axis), moved(case.shape, precision)
    parts = []
    for name in PASSES:
        for phase in rounds[0]["passes"][name]:
            seconds = median(r["passes"][name][phase] for r in rounds)
            part: Row = {"part": f"{name} {phase}", "seconds": rounded(seconds)}
            if operation := counted.get((name, phase)):
                rate = operation / seconds
                part |= {"operations": operation, "operations_a_second": rounded(rate)}
                part["share_of_matmul"] = round(rate / peak, 3)
            if size := bytes_of.get((name, phase)):
                part |= {"bytes": size, "bytes_a_second": rounded(size / seconds)}
            parts.append(part)
    around = median(_total(r["passes"]["outside"]) for r in rounds)
    return [*parts, {"part": "around", "seconds": rounded(around)}]


def stages(rounds: list[Row]) -> list[Row]:
    """Give each stage of a step, with the compiled passes of its blocks and what is around them."""

    def compiled(of: Row) -> float:
        return sum(_total(of["passes"][name]) for name in PASSES)

    names = sorted({stage for r in rounds for stage in r["stages"]} - {"blocks"})
    times = {name: median(r["stages"].get(name, 0.0) for r in rounds) for name in names}
    for name in PASSES:
        times[f"blocks {name}"] = median(_total(r["passes"][name]) for r in rounds)
    times["blocks around"] = median(r["stages"]["blocks"] - compiled(r) for r in rounds)
    return [{"part": name, "seconds": rounded(seconds)} for name, seconds in times.items()]


def text(row: Row) -> str:
    """Lay a block or a step out, what takes longest first."""
    share, watched = row["share_of_matmul"], row["watched"]
    title = f"{row['case']}, {row['precision']}: {1e3 * row['seconds']:.2f} ms"
    lines = [f"{title}, {share:.0%} of matmul; watched {watched:.3f} times as long"]
    for part in sorted(row["parts"], key=lambda part: -part["seconds"]):
        if part["share"] < 0.001:
            continue
        rate = ""
        if "operations" in part:
            rate = f"{part['operations_a_second'] / 1e9:7.1f} GF/s {part['share_of_matmul']:5.0%}"
        elif "bytes" in part:
            rate = f"{part['bytes_a_second'] / 1e9:7.1f} GB/s"
        lines.append(
            f"  {part['part']:<26}{1e3 * part['seconds']:9.3f} ms {part['share']:6.1%} {rate}"
        )
    return "\n".join(lines)


def _total(seconds: Mapping[str, float]) -> float:
    return sum(seconds.values())
