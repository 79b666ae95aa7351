"""Time the simulators beside other packages and NumPy by hand: `nox -s bench -- sim`.

Every way to draw a case has a process of its own, and all take turns, so that what disturbs one
disturbs all. A rate is models a CPU second on one thread. With `--threads 2` one thread of ours and two
then take turns in one process (threads.py), on a machine that does nothing else.
"""

import argparse
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from processes import Process
from report import rounded, summary
from save import save_rows
from threads import in_turn, speed_up

WORKER = Path(__file__).with_name("simulator_worker.py")
ROUNDS = 7
OF_THREADS = 15  # of one thread and several
AIM = 0.5  # seconds that a way's turn should take; a slow package draws few models in it
MOST = 4  # times the first try's models in a call, which bounds the memory; a turn has many calls
Row = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """One way to draw a case."""

    name: str
    kind: str = "bare"
    pip: str = ""  # what installs it, where it may be absent
    first: int = 1  # models of the first try


@dataclass(frozen=True)
class Case:
    """What is drawn, and by whom."""

    name: str
    what: str
    peers: tuple[Way, ...]
    first: int

    @property
    def ways(self) -> tuple[Way, ...]:
        """Ours first."""
        plain = Way("activa, NumPy", "plain", first=self.first // 4)
        return Way("activa", first=self.first), plain, *self.peers


CASES = (
    Case(
        "gauss-8",
        "8 variables, linear; graph, weights, 30 rows observed and under each of 8 interventions",
        (
            Way("NumPy by hand", first=500),
            Way("sempler", pip="pip install sempler", first=20),
            Way("causal-playground", pip="pip install causal-playground", first=4),
        ),
        first=1000,
    ),
    Case(
        "sergio",
        "8 genes of a module of the yeast network, 30 cells observed and with each gene knocked out",
        (
            Way("avici", pip="pip install --no-deps avici==1.0.7"),
            Way("sergio_rs", pip="pip install sergio_rs", first=10),
        ),
        first=250,
    ),
    Case("modules", "modules of 8 genes of the yeast network", (), first=2000),
)


def measure(options: argparse.Namespace) -> Path:
    """Measure every chosen case, print it, and write the results."""
    rows: list[Row] = []
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        machine = stack.enter_context(_process(Way("activa"))).ask("describe")
        print(json.dumps(machine, indent=1), flush=True)
        for case in (c for c in CASES if options.only in c.name):
            found, missing = take_turns(case, options.threads, quick=options.quick)
            rows += found
            absent |= missing
            print(text(case, found, missing), flush=True)
    return save_rows("sim", machine, rows, absent, options)


def take_turns(case: Case, threads: int, *, quick: bool) -> tuple[list[Row], dict[str, str]]:
    """Let every way draw the case once a round; also say which package is absent, and why."""
    models: dict[Way, int] = {}
    calls: dict[Way, int] = {}
    versions: dict[Way, str] = {}
    times: dict[Way, list[dict[str, float]]] = {}
    absent = {}
    with ExitStack() as stack:
        processes = {way: stack.enter_context(_process(way)) for way in case.ways}
        for way, process in processes.items():
            request = {"case": case.name, "way": way.name}
            try:
                models[way] = max(1, way.first // 10) if quick else way.first
                first, calls[way] = process.ask("warm", **request, models=models[way]), 1
                if not quick:
                    models[way] = max(1, min(MOST * way.first, int(AIM / first["clock"])))
                    warm = process.ask("warm", **request, models=models[way])
                    calls[way] = max(1, int(AIM / (warm["clock"] * models[way])))
            except RuntimeError as error:
                absent[way.name] = f"{error}; {way.pip}" if way.pip else str(error)
                continue
            versions[way], times[way] = first["version"], []
        for _ in range(2 if quick else ROUNDS):
            for way, taken in times.items():
                taken.append(processes[way].ask("time", case=case.name, calls=calls[way]))
        ours = case.ways[0]
        rows = [_row(case, way, models[way], versions[way], taken, times[ours])
                for way, taken in times.items()]  # fmt: skip
        if threads > 1:
            ask = partial(processes[ours].ask, "time", case=case.name, calls=calls[ours])
            rows.insert(1, on_threads(ask, threads, rows[0], rounds=2 if quick else OF_THREADS))
    return rows, absent


def on_threads(ask: Callable[..., dict[str, float]], threads: int, one: Row, *, rounds: int) -> Row:
    """Let one thread and several draw in turn what was prepared."""
    ways = {str(n): lambda n=n: ask(threads=n)["clock"] for n in (1, threads)}
    of_one, several = in_turn(ways, rounds=rounds).values()
    return {
        **one,
        "way": f"activa, {threads} threads",
        "threads": threads,
        "clock": "wall-clock seconds",
        "rounds": rounds,
        "models_a_second": summary([1 / taken for taken in several]),
        "times_activa": rounded(speed_up(several, of_one)),
    }


def _row(
    case: Case, way: Way, models: int, version: str,
    times: list[dict[str, float]], ours: list[dict[str, float]],
) -> Row:  # fmt: skip
    """Describe a way; a ratio is the median over rounds, in each of which all ways ran once."""
    ratio = median(mine["cpu"] / its["cpu"] for mine, its in zip(ours, times, strict=True))
    return {
        "case": case.name,
        "way": way.name,
        "version": version,
        "threads": 1,
        "clock": "CPU seconds",
        "models": models,
        "rounds": len(times),
        "models_a_second": summary([1 / taken["cpu"] for taken in times]),
        "times_activa": rounded(ratio),
    }


def text(case: Case, rows: list[Row], absent: dict[str, str]) -> str:
    """Lay the rows of one case out."""
    lines = [f"\n{case.name}: {case.what}", f"  {'':<20}{'models/s':>12}   of activa's"]
    for r in rows:
        rate = r["models_a_second"]
        lines.append(
            f"  {r['way']:<20}{rate['median']:>12,.1f}   {r['times_activa']:<10.3g}"
            f"[{rate['low']:,.1f}, {rate['high']:,.1f}] by {r['clock']}; {r['version']}"
        )
    return "\n".join(
        [*lines, *(f"  {name:<20}{'absent':>12}   {why}" for name, why in absent.items())]
    )


def _process(way: Way) -> Process:
    return Process(way.kind, {"threads": 1}, worker=WORKER)
