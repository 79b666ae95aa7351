"""Measure the kernels against plain PyTorch: `nox -s bench -- kernels`.

On a CPU, one thread by default and CPU seconds, as a machine that others use asks for; contestants
take turns, so that what disturbs one disturbs all. On a GPU, time between events.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from activa_kernels import backend, keep_freed_memory
from cases import CASES, OURS, Case, Contestant

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def main() -> int:
    """Measure, print a table, write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", choices=["kernels"])
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7, help="turns of each contestant")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--save", action="store_true", help=f"write into {RESULTS.name}/")
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    parser.add_argument("--plot", type=Path, help="draw the results here, as PNG")
    parser.add_argument("--base", help="a commit whose kernels are measured too")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        print("there is no CUDA device here; run this where torch.cuda.is_available()")
        return 1
    if options.memory_of:
        return peak_memory_of(options.memory_of)
    torch.set_num_threads(options.threads)
    os.environ["ACTIVA_NUM_THREADS"] = str(options.threads)
    unchanged = keep_freed_memory()  # for all contestants: it is a tuned baseline too
    device = torch.device(options.device)
    result: dict[str, Any] = {
        "suite": options.suite,
        **machine(device),
        "threads": options.threads,
        "keep_freed_memory": unchanged or "yes",
        "matmul_gflops": {p: matmul_peak(device, p) for p in ("float32", "bfloat16")},
        "rows": [],
    }
    print(json.dumps({k: v for k, v in result.items() if k != "rows"}, indent=1), flush=True)
    for case in CASES:
        if options.only in case.name:
            rows = measure(case, device, options.rounds)
            result["rows"] += rows
            show(case, rows, result["matmul_gflops"])
    if not options.only and device.type == "cpu":
        result["peak_megabytes"] = {name: peak_memory(name) for name in (OURS, "eager")}
        print("peak memory of a gauss-8 step, MB:", result["peak_megabytes"])
    if options.base:
        compare(result, options.base)
    if options.save:
        options.out = RESULTS / f"{result['device_name'].replace(' ', '-')}-{result['commit']}.json"
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")
    if options.plot:
        draw(result, options.plot)
    return 0


def machine(device: torch.device) -> dict[str, str]:
    """What a number was taken on, and of."""
    cuda = device.type == "cuda"
    found = backend()
    describe = ["git", "describe", "--always", "--dirty", "--match", ""]
    commit = subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "device_name": torch.cuda.get_device_name(device) if cuda else processor(),
        "instruction_set": found.instruction_set or "reference",
        "torch": torch.__version__,
        "python": platform.python_version(),
        "commit": commit.stdout.strip() or "unknown",
    }


def processor() -> str:
    """Return the processor's name as the system has it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def matmul_peak(device: torch.device, precision: str) -> float:
    """Billions of operations a second that torch's large matrix product reaches."""
    n = 1024 if device.type == "cpu" else 8192
    a = torch.randn(n, n, device=device).to(getattr(torch, precision))
    seconds = min(once(lambda: a @ a, device) for _ in range(5))
    return round(2 * n**3 / seconds / 1e9, 1)


def measure(case: Case, device: torch.device, rounds: int) -> list[dict[str, Any]]:
    """Let the contestants take turns; the first turn warms up."""
    torch.random.manual_seed(0)
    contestants = case.contestants(device)
    times: list[list[float]] = [[] for _ in contestants]
    for turn in range(rounds + 1):
        for contestant, seconds in zip(contestants, times, strict=True):
            taken = once(contestant.run, device)
            if turn:
                seconds.append(taken)
    return [row(case, c, t) for c, t in zip(contestants, times, strict=True)]


def once(run: Any, device: torch.device) -> float:
    """Seconds of one call: CPU time, or the GPU's."""
    if device.type == "cpu":
        began = time.process_time()
        run()
        return time.process_time() - began
    start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()  # type: ignore[no-untyped-call]
    run()
    stop.record()  # type: ignore[no-untyped-call]
    torch.cuda.synchronize()
    return float(start.elapsed_time(stop)) / 1e3  # type: ignore[no-untyped-call]


def row(case: Case, contestant: Contestant, seconds: list[float]) -> dict[str, Any]:
    """Lay one contestant's times out, in milliseconds."""
    low, median, high = (float(q) * 1e3 for q in np.quantile(seconds, [0.2, 0.5, 0.8]))
    return {
        "case": case.name,
        "name": contestant.name,
        "precision": contestant.precision,
        "median_ms": round(median, 3),
        "p20_ms": round(low, 3),
        "p80_ms": round(high, 3),
        "gflops": round(case.flops / median / 1e6, 1),
    }


def show(case: Case, rows: list[dict[str, Any]], peak: dict[str, float]) -> None:
    """Print a case: times, and how much faster ours is than each."""
    print(f"\n{case.name}")
    ours = {r["precision"]: r["median_ms"] for r in rows if r["name"] == OURS}
    for r in rows:
        share = (
            f"{r['gflops'] / peak[r['precision']]:4.0%} of the matmul peak" if case.flops else ""
        )
        ratio = r["median_ms"] / ours[r["precision"]]
        print(
            f"  {r['precision']:9} {r['name']:32} {r['median_ms']:9.2f} ms "
            f"[{r['p20_ms']:.2f}, {r['p80_ms']:.2f}]  {ratio:5.2f}x  {share}",
            flush=True,
        )


def peak_memory(name: str) -> float:
    """Largest resident memory of a process that makes two gauss-8 steps, in MB."""
    command = [sys.executable, __file__, "kernels", "--memory-of", name]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(out.split()[-1])


def peak_memory_of(name: str) -> int:
    """Make two float32 steps and print what this process took at most."""
    torch.set_num_threads(1)
    case = next(c for c in CASES if c.name == "training step, gauss-8")
    found = case.contestants(torch.device("cpu"))
    run = next(c.run for c in found if (c.name, c.precision) == (name, "float32"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run()
    run()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(round((after - before) / 1024, 1))
    return 0


def compare(result: dict[str, Any], base: str) -> None:
    """Measure our rows with the packages of another commit and print the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        tree, site, out = Path(folder) / "tree", Path(folder) / "site", Path(folder) / "base.json"
        subprocess.run(["git", "worktree", "add", "--detach", tree, base], cwd=ROOT, check=True)
        try:
            packages = [str(tree / "packages" / p) for p in ("activa-kernels", "activa-core")]
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
            subprocess.run([*pip, str(site), *packages], check=True)
            command = [sys.executable, __file__, "kernels", "--out", str(out), "--only", ","]
            environment = {**os.environ, "PYTHONPATH": str(site)}
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)
        theirs = {
            (r["case"], r["precision"]): r["median_ms"]
            for r in json.loads(out.read_text())["rows"]
            if r["name"] == OURS
        }
    print(f"\nours at {base} / ours now")
    for r in result["rows"]:
        if r["name"] == OURS and (r["case"], r["precision"]) in theirs:
            ratio = theirs[r["case"], r["precision"]] / r["median_ms"]
            print(f"  {ratio:5.2f}x  {r['precision']:9} {r['case']}")


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw how much faster ours is than the best of the others, case by case."""
    import matplotlib.pyplot as plt

    cases = list(dict.fromkeys(r["case"] for r in result["rows"]))
    figure, axes = plt.subplots(figsize=(9, 0.42 * len(cases) + 1.4), layout="constrained")
    for offset, precision in ((-0.2, "float32"), (0.2, "bfloat16")):
        for place, case in enumerate(cases):
            rows = [r for r in result["rows"] if (r["case"], r["precision"]) == (case, precision)]
            ours = [r["median_ms"] for r in rows if r["name"] == OURS]
            others = [r["median_ms"] for r in rows if r["name"] != OURS]
            if ours and others:
                colour = {"float32": "tab:blue", "bfloat16": "tab:orange"}[precision]
                label = precision if place == 0 else None
                axes.barh(place + offset, min(others) / ours[0], 0.38, color=colour, label=label)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(cases)), cases)
    axes.invert_yaxis()
    axes.set_xlabel("times faster than the best tuned eager PyTorch of equal precision")
    axes.set_title(f"{result['device_name']}, {result['threads']} thread, {result['commit']}")
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    sys.exit(main())
