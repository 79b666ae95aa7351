"""Time the distances of activa-eval beside other packages: `nox -s bench -- eval`.

Every way to compute a case has a process of its own, with one thread and float32 samples, and all
take turns, so that what disturbs one disturbs all. Times are CPU seconds. Then one thread of ours takes turns
with two, and with two processes that share nothing: as much as the machine has to give (threads.py).
"""

import argparse
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from processes import Process
from report import rounded, summary
from save import save_rows
from threads import in_turn, speed_up

WORKER = Path(__file__).with_name("distance_worker.py")
ROUNDS, OF_ONE = 7, 3  # of a case, and of one that is a single large pair
OF_TWO = 25  # of one thread, two threads and two processes
LONGEST = 60.0  # seconds that a package may take for one case; what would take longer is cut
OURS, TWO, APART = "activa", "activa, 2 threads", "activa, 2 processes"
Row = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """P pairs of samples of n rows in d columns."""

    P: int
    n: int
    d: int

    @property
    def name(self) -> str:
        """As cases have it in their names."""
        return f"{self.P} of {self.n} x {self.d}"


SHAPES = (Shape(1000, 40, 2), Shape(1000, 30, 8), Shape(1, 3000, 8))
PEERS = {  # of the packages that compute it, the time to beat is the least
    "energy": ("PyTorch", "SciPy", "dcor", "hyppo"),
    "mmd": ("PyTorch", "NumPy", "scikit-learn"),
    "wasserstein": ("SciPy", "POT"),
    "energy test": ("NumPy", "dcor", "hyppo"),
}
SPEED_UP = 1.8  # by two threads
# how many times faster than the fastest of them it should be, on a small shape and on the large one
WANTED = {"energy": (3, 2), "mmd": (5, None), "wasserstein": (5, 2), "energy test": (5, None)}


def measure(options: argparse.Namespace) -> Path:
    """Measure every chosen case, print it, and write the results."""
    rows: list[Row] = []
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        names = dict.fromkeys(name for peers in PEERS.values() for name in peers)
        processes = {name: stack.enter_context(_process(name)) for name in (OURS, *names)}
        twin = stack.enter_context(_process(OURS))
        machine = processes[OURS].ask("describe")
        print(json.dumps(machine, indent=1), flush=True)
        for shape in SHAPES:
            for what, (small, large) in WANTED.items():
                wanted = small if shape.P > 1 else large
                if wanted is None or options.only not in f"{what}, {shape.name}":
                    continue
                ways = {
                    name: processes[name] for name in (OURS, *PEERS[what]) if name not in absent
                }
                found, missing = take_turns(what, shape, ways, twin, wanted, quick=options.quick)
                rows += found
                absent |= missing
                print(text(found, missing), flush=True)
    return save_rows("eval", machine, rows, absent, options)


def take_turns(
    what: str,
    shape: Shape,
    ways: dict[str, Process],
    twin: Process,
    wanted: float,
    *,
    quick: bool,
) -> tuple[list[Row], dict[str, str]]:
    """Let every way compute the case once a round; also say which package is absent, and why."""
    pairs = min(shape.P, 20) if quick else shape.P
    request = {"what": what, "P": pairs, "n": shape.n if not quick else 30, "d": shape.d}
    request |= {"longest": LONGEST / ROUNDS}
    times: dict[str, list[dict[str, float]]] = {}
    versions: dict[str, str] = {}
    shares: dict[str, float] = {}  # of the pairs that a way computes in its turn
    absent = {}
    for name, process in ways.items():
        try:
            first = process.ask("warm", **request)
        except RuntimeError as error:
            absent[name] = str(error)
            continue
        versions[name], shares[name], times[name] = first["version"], first["share"], []
    for _ in range(2 if quick else ROUNDS if shape.P > 1 else OF_ONE):
        for name, taken in times.items():
            taken.append(ways[name].ask("time"))
    rows = []
    for name, taken in times.items():
        seconds = [t["cpu"] / shares[name] for t in taken]
        ratio = median(s / t["cpu"] for s, t in zip(seconds, times[OURS], strict=True))
        rows.append({
            "case": f"{what}, {shape.name}",
            "way": name,
            "version": versions[name],
            "clock": "CPU seconds",
            "rounds": len(taken),
            "share_measured": shares[name],
            "seconds": summary(seconds),
            "times_activa": rounded(ratio),
            "wanted": wanted,
        })  # fmt: skip
    twin.ask("warm", **request)
    rows[1:1] = by_two(ways[OURS], twin, rows[0], rounds=2 if quick else OF_TWO)
    return rows, absent


def by_two(ours: Process, twin: Process, of_one: Row, *, rounds: int) -> list[Row]:
    """Let one thread, two, and two processes compute the case that they prepared last, in turn."""

    def alone(threads: int) -> float:
        return float(ours.ask("time", threads=threads)["wall"])

    def apart() -> float:
        both = (ours, twin)
        for process in both:
            process.send("time", threads=1)
        return max([float(process.receive()["wall"]) for process in both]) / len(both)

    ways = {OURS: lambda: alone(1), TWO: lambda: alone(2), APART: apart}
    times = in_turn(ways, rounds=rounds)
    return [
        {
            **of_one,
            "way": way,
            "clock": "wall-clock seconds",
            "rounds": rounds,
            "seconds": summary(times[way]),
            "times_activa": rounded(1 / speed_up(times[way], times[OURS])),
            "wanted": SPEED_UP,
        }
        for way in (TWO, APART)
    ]


def text(rows: list[Row], absent: dict[str, str]) -> str:
    """Lay the rows of one case out."""
    peers = [r for r in rows if r["way"] not in (OURS, TWO, APART)]
    two = {r["way"]: r for r in rows if r["way"] in (TWO, APART)}
    lines = [f"\n{rows[0]['case']}"] if rows else []
    if peers:
        fastest = min(peers, key=lambda r: r["times_activa"])
        lines[0] += (f": {fastest['times_activa']:.1f} times faster than {fastest['way']}, "
                     f"the fastest other; {rows[0]['wanted']} wanted")  # fmt: skip
    if two:
        by_threads, by_processes = (1 / two[way]["times_activa"] for way in (TWO, APART))
        lines[0] += (f"; by two threads {by_threads:.2f} times, by two processes {by_processes:.2f}; "
                     f"{SPEED_UP} wanted")  # fmt: skip
    for r in rows:
        low, middle, high = (1e3 * r["seconds"][k] for k in ("low", "median", "high"))
        share = (
            "" if r["share_measured"] == 1 else f" (from {r['share_measured']:.1%} of the pairs)"
        )
        lines.append(
            f"  {r['way']:<18}{middle:>11,.2f} ms [{low:,.2f}, {high:,.2f}] by {r['clock']}  "
            f"{r['times_activa']:>8.3g} of activa's; {r['version']}{share}"
        )
    return "\n".join(
        [*lines, *(f"  {name:<18}{'absent':>11}   {why}" for name, why in absent.items())]
    )


def _process(name: str) -> Process:
    return Process("bare", {"way": name, "threads": 1}, worker=WORKER)
