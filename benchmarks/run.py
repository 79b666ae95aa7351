"""Time our kernels beside plain and tuned PyTorch: `nox -s bench -- kernels`.

On a CPU, one thread by default, in CPU seconds, which others on the machine disturb least; all ways
to compute a case take turns, so that what disturbs one disturbs all. On a GPU, time between events.

`nox -s bench -- profile` says where the time goes (phases.py).
`nox -s bench -- sim` times the simulators (simulators.py), `nox -s bench -- sim --stream` what a
stream of theirs costs a training (streams.py), `nox -s bench -- eval` the distances (distances.py).
"""

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import distances
import phases
import simulators
import streams
from cases import SUITES, Case, Way, ways
from floor import floor
from processes import ROOT, Process, commit_here, install
from report import Row, Times, comparisons, draw, row, text, verdicts
from save import save

RESULTS = ROOT / "benchmarks" / "results"
FEWEST, MOST = 3, 15  # rounds of a case
BUDGET = 6.0  # seconds for the rounds of a case, where that gives so many
LARGEST = "gauss-8 step"  # whose memory is measured


def main() -> int:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", choices=sorted([*SUITES, "eval", "profile", "sim"]))
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="with more, wall-clock seconds")
    parser.add_argument("--dropout", type=float, default=0.0, help="the shipped models have none")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--compile", action="store_true", help="on a CPU too: minutes a case")
    parser.add_argument("--quick", action="store_true", help="tiny shapes: tries the harness")
    parser.add_argument("--base", metavar="COMMIT", help="measure that commit's kernels beside")
    parser.add_argument("--stream", action="store_true", help="sim: streams beside training steps")
    parser.add_argument("--models", type=int, default=10**7, help="sim --stream: models to stream")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "benchmarks")
    parser.add_argument("--save", action="store_true", help="into benchmarks/results/")
    options = parser.parse_args()
    options.folder = RESULTS if options.save else options.out
    if options.suite == "eval":
        print(f"\nwrote {distances.measure(options)}")
        return 0
    if options.suite == "profile":
        print(f"\nwrote {phases.measure(options)}")
        return 0
    if options.suite == "sim":
        print(
            f"\nwrote {streams.measure(options) if options.stream else simulators.measure(options)}"
        )
        return 0
    with ExitStack() as stack:
        try:
            result = measure_all(options, stack)
        except RuntimeError as error:
            print(f"cannot measure: {error}", file=sys.stderr)
            return 1
    path = save(result, options.folder, result["device"], result["commit"])
    threads = "" if result["accelerator"] else f", threads: {result['threads']}"
    title = f"{result['device']}{threads}, commit {result['commit']}"
    draw(result["comparisons"], title, path.with_suffix(".png"))
    print(f"\n{verdicts(result['comparisons'])}\n\nwrote {path} and its picture")
    return 0


def measure_all(options: argparse.Namespace, stack: ExitStack) -> dict[str, Any]:
    """Measure every chosen case on processes that live as long as the stack."""
    settings = {name: getattr(options, name)
                for name in ("suite", "quick", "device", "threads", "dropout")}  # fmt: skip
    processes = {"activa": stack.enter_context(Process("activa", settings))}
    machine = processes["activa"].ask("describe")
    for kind in ["plain"] if options.device == "cuda" else ["plain", "tuned"]:
        processes[kind] = stack.enter_context(Process(kind, settings))
    if options.base:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site = install(options.base, folder)
        processes["base"] = stack.enter_context(Process("base", settings, site))
    peak = {p: max(processes["plain"].ask("matmul", precision=p) for _ in range(3))
            for p in ("float32", "bfloat16")}  # fmt: skip
    print(json.dumps({**machine, "matmul": peak}, indent=1), flush=True)
    result: dict[str, Any] = {
        **{name: machine[name] for name in ("processor", "accelerator", "instruction_set")},
        "suite": options.suite,
        "device": machine["accelerator"] or f"{machine['processor']} {machine['instruction_set']}",
        "torch": machine["torch"],
        "commit": commit_here(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "base": options.base,
        "threads": options.threads,
        "dropout": options.dropout,
        "quick": options.quick,
        "clock": clock(options.device, options.threads),
        "matmul": peak,
        "rows": [],
        "comparisons": [],
    }
    cases = SUITES[options.suite](quick=options.quick)
    for case in (c for c in cases if options.only in c.name):
        found = ways(
            case, options.device, compiled=options.compile or options.device == "cuda",
            base=options.base is not None,
        )  # fmt: skip
        least = 2 if options.quick else FEWEST
        times, failed = take_turns(case, found, processes, least, 0.0 if options.quick else BUDGET)
        rows = [row(case, way, t, ran(case, way, machine), peak[way.precision])
                for way, t in times.items()]  # fmt: skip
        by_name: Times = {(case.name, way.name, way.precision): t for way, t in times.items()}
        result["rows"] += rows
        result["comparisons"] += comparisons(rows, by_name)
        print(text(rows, failed), flush=True)
    result["memory"] = [memory(case, settings) for case in cases
                        if case.name == LARGEST and options.only in case.name]  # fmt: skip
    result["computed"] = [
        floor(case.shape, launches(case, processes)) for case in cases
        if case.kind == "step" and options.only in case.name
    ]  # fmt: skip
    for line in (*result["memory"], *result["computed"]):
        print(json.dumps(line))
    return result


def take_turns(
    case: Case, found: list[Way], processes: dict[str, Process], least: int, budget: float
) -> tuple[dict[Way, list[float]], dict[str, str]]:
    """Let every way compute the case once a round; also return why some cannot at all."""
    times: dict[Way, list[float]] = {}
    failed, seconds = {}, 0.0
    for way in found:
        try:
            seconds += processes[way.process].ask("warm", case=case.name, way=vars(way))
            times[way] = []
        except RuntimeError as error:
            failed[f"{way.name}, {way.precision}"] = str(error)
    for _ in range(min(max(least, int(budget / max(seconds, 1e-6))), max(least, MOST))):
        for way, taken in times.items():
            taken.append(processes[way.process].ask("time", case=case.name, way=vars(way)))
    return times, failed


def ran(case: Case, way: Way, machine: dict[str, Any]) -> str:
    """Name what computed a row."""
    if not way.ours:
        return f"torch {machine['torch']}"
    family = "mixture_log_prob" if case.kind == "mixture" else "alternating_attention"
    device = "cuda" if machine["accelerator"] else "cpu"
    chosen = str(machine["choices"].get(f"{family} on {device}", "unknown")).split()[0]
    return f"{chosen} {machine['instruction_set']}" if chosen == "native" else chosen


def memory(case: Case, settings: dict[str, Any]) -> Row:
    """Bytes that a step in float32 takes at most beside what was there before, by way."""
    found = {}
    for way in ways(case, settings["device"], compiled=False, base=False):
        if way.precision == "float32" and not way.graph:
            with Process("activa" if way.ours else "plain", settings) as process:
                found[way.name] = process.ask("peak_memory", case=case.name, way=vars(way))["step"]
    return {"case": case.name, "bytes": found}


def launches(case: Case, processes: dict[str, Process]) -> dict[str, int]:
    """Count the device kernels of a step in bfloat16, ours and PyTorch's."""
    plain = Way("PyTorch", "bfloat16", "plain")
    ours = Way("activa", "bfloat16", "activa", ours=True)
    return {w.name: processes[w.process].ask("launches", case=case.name, way=vars(w))
            for w in (ours, plain)}  # fmt: skip


def clock(device: str, threads: int) -> str:
    """Say what a second is."""
    if device == "cuda":
        return "seconds between CUDA events"
    return "CPU seconds" if threads == 1 else "wall-clock seconds"


if __name__ == "__main__":
    sys.exit(main())
