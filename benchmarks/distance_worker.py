"""A process that computes distances in one way; distances.py asks, through its stdin."""

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from answering import answer_requests
from distance_peers import OF

SEED = 0
SHIFT = 0.5  # of the second sample


class Worker:
    """Computes cases by one package.

    Parameters
    ----------
    settings : dict
        way, a name in `distances.PEERS` or ours; threads.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.way = settings["way"]
        self._run: Callable[[], object] = lambda: None
        self._times = 1

    def describe(self) -> dict[str, Any]:
        """What this process runs on."""
        from activa_cli.info import processor
        from activa_kernels import backend

        return {"processor": processor(), "instruction_set": backend().instruction_set}

    def warm(self, what: str, P: int, n: int, d: int, longest: float) -> dict[str, Any]:
        """Prepare a case and compute it once; a share of the pairs if all would take longer."""
        version, functions = OF[self.way]()
        rng = np.random.default_rng(SEED)
        x = rng.normal(size=(P, n, d)).astype(np.float32)
        y = rng.normal(SHIFT, 1.0, size=(P, n, d)).astype(np.float32)
        compute = functions[what]
        compute(x[:1, :9], y[:1, :9])  # what is compiled or loaded at the first call
        start = time.process_time()
        compute(x[:1], y[:1])
        one = time.process_time() - start
        share = max(1, min(P, int(longest / max(one, 1e-9))))
        self._run = lambda: compute(x[:share], y[:share])
        if one < 1:
            start = time.process_time()
            self._run()
            one = time.process_time() - start
        self._times = max(1, int(0.05 / max(one, 1e-6)))
        return {"version": f"{self.way} {version}", "share": share / P}

    def time(self, threads: int = 1) -> dict[str, float]:
        """Compute the case, and return the seconds by the processor's clock and on the wall."""
        os.environ["ACTIVA_NUM_THREADS"] = str(threads)  # ours looks at each call
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(self._times):
            self._run()
        taken = time.perf_counter() - wall, time.process_time() - cpu
        return {"wall": taken[0] / self._times, "cpu": taken[1] / self._times}


if __name__ == "__main__":
    answer_requests(Worker)
