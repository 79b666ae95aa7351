"""A process that draws models on request: one request a line on stdin, one answer on stdout.

Which code draws holds for a whole process; so each way has its own.
"""

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from activa_cli.info import processor
from activa_sim import __version__, backend, simulator
from activa_sim.rng import model_streams
from activa_sim.sergio import NetworkModules
from answering import answer_requests
from simulator_peers import PEERS


class Worker:
    """Draws the models of a case in one way; the environment says with which code and threads."""

    def __init__(self) -> None:
        self._ready: dict[str, tuple[Callable[[], object], int]] = {}

    def describe(self) -> dict[str, Any]:
        """Say what draws in this process."""
        here = backend()
        return {
            "processor": processor(),
            "numpy": np.__version__,
            "python": platform.python_version(),
            "implementation": here.implementation,
            "instruction_set": here.instruction_set or "none",
        }

    def warm(self, case: str, way: str, models: int) -> dict[str, Any]:
        """Prepare a way to draw so many models, and say how long it takes, once it is loaded."""
        run = PEERS[way](models) if way in PEERS else ours(case, models)
        run()
        self._ready[case] = run, models
        return {**self.time(case), "version": released(way)}

    def time(self, case: str, calls: int = 1, threads: int = 1) -> dict[str, float]:
        """Draw so often, and return the seconds of the processors and of the clock, a model."""
        os.environ["ACTIVA_NUM_THREADS"] = str(threads)  # ours looks at each call
        run, models = self._ready[case]
        cpu, clock = time.process_time(), time.perf_counter()
        for _ in range(calls):
            run()
        taken = time.process_time() - cpu, time.perf_counter() - clock
        return {"cpu": taken[0] / (calls * models), "clock": taken[1] / (calls * models)}


def ours(case: str, models: int) -> Callable[[], object]:
    """Draw by activa-sim; every call draws models of its own."""
    start = 0

    def draw() -> object:
        nonlocal start
        start += models
        if case == "modules":
            return NetworkModules().draw(model_streams(0, "train", start, models), 8)
        return simulator(case).sample(models, 30, start=start)

    return draw


def released(way: str) -> str:
    """Version of the package behind a way."""
    if way not in PEERS:
        return __version__
    try:
        return version(way)
    except PackageNotFoundError:
        return f"numpy {np.__version__}"


if __name__ == "__main__":
    answer_requests(lambda _settings: Worker())
