"""A process that computes cases on request: one request a line on stdin, one answer on stdout.

Settings of the memory allocator hold for a whole process, and an older version of our packages
cannot be imported beside this one; so each has a process of its own, and they take turns.
"""

import json
import math
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from activa_cli.info import processor
from activa_kernels import backend
from answering import answer_requests
from cases import SUITES, Case, Way
from computations import prepare
from launches import Launches

SHORTEST = 0.02  # seconds of a measurement; what is faster is repeated within it
MATMUL = 2048  # rows of the square matrices whose product is the peak
PATIENCE = 1.0  # seconds of one such product; where it would take longer, of smaller matrices


class Worker:
    """Computes the cases of a suite on a device.

    Parameters
    ----------
    settings : dict
        suite, quick, device, threads, dropout.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.device, self.dropout = settings["device"], settings["dropout"]
        self.threads = settings["threads"]
        self.shortest = 0.0 if settings["quick"] else SHORTEST
        torch.set_num_threads(self.threads)
        found = SUITES[settings["suite"]](quick=settings["quick"])
        self.cases: dict[str, Case] = {case.name: case for case in found}
        self._ready: dict[str, tuple[Callable[[], None], int]] = {}  # of the case at hand
        self._case = ""

    def describe(self) -> dict[str, Any]:
        """What this process runs on."""
        here = backend()
        cuda = self.device == "cuda"
        if cuda and not torch.cuda.is_available():
            raise LookupError("there is no CUDA device here, or torch was built without CUDA")
        return {
            "processor": processor(),
            "torch": str(torch.__version__),
            "choices": {
                f"{c.family} on {c.device}": f"{c.implementation} ({c.reason})"
                for c in here.choices
            },
            "instruction_set": here.instruction_set,
            "accelerator": torch.cuda.get_device_name() if cuda else None,
        }

    def matmul(self, precision: str) -> float:
        """Rate of torch's own large matrix product, in operations a second."""
        size, seconds = MATMUL // 8, 0.0
        while size <= MATMUL and 8 * seconds < PATIENCE:
            a = torch.randn(size, size, device=self.device, dtype=getattr(torch, precision))
            seconds = self._seconds(partial(torch.matmul, a, a), 1 if self.device == "cpu" else 20)
            rate, size = 2 * size**3 / seconds, 2 * size
        return rate

    def warm(self, case: str, way: dict[str, Any]) -> float:
        """Prepare a way to compute a case, do it once, and return how long it took."""
        if case != self._case:
            self._case, self._ready = case, {}
        run = prepare(self.cases[case], Way(**way), self.device, self.dropout)
        for _ in range(3 if self.device == "cuda" else 1):
            seconds = self._seconds(run, 1)
        times = max(1, math.ceil(self.shortest / max(seconds, 1e-6)))
        self._ready[json.dumps(way)] = run, times
        return seconds * times

    def time(self, case: str, way: dict[str, Any]) -> float:
        """Compute once, or in the mean of some times, and return the seconds."""
        assert case == self._case
        return self._seconds(*self._ready[json.dumps(way)])

    def launches(self, case: str, way: dict[str, Any]) -> int:
        """Count the kernels that a GPU would be asked to run, on whatever device this is."""
        run = prepare(self.cases[case], Way(**way), self.device, self.dropout)
        run()
        with Launches() as counted:
            run()
        return counted.number

    def peak_memory(self, case: str, way: dict[str, Any]) -> dict[str, int]:
        """Do it once, and return the bytes in use at most, without what was there before."""
        run = prepare(self.cases[case], Way(**way), self.device, self.dropout)
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            run()
            return {"step": torch.cuda.max_memory_allocated() - before, "before": before}
        before = _most_resident()
        run()
        return {"step": _most_resident() - before, "before": before}

    def _seconds(self, run: Callable[[], Any], times: int) -> float:
        if self.device == "cuda":
            event: Any = torch.cuda.Event
            began, ended = (event(enable_timing=True) for _ in range(2))
            began.record()
            for _ in range(times):
                run()
            ended.record()
            torch.cuda.synchronize()
            return float(began.elapsed_time(ended)) / 1e3 / times
        # one thread's own time is not disturbed by others; with more it would count them all
        clock = time.process_time if self.threads == 1 else time.perf_counter
        start = clock()
        for _ in range(times):
            run()
        return (clock() - start) / times


def _most_resident() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    answer_requests(Worker)
