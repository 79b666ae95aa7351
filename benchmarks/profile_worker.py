"""A process that says where the time of blocks and steps of ours goes; `phases.py` asks it."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from activa_core.data import pairs
from activa_kernels.backend import native
from answering import answer_requests
from cases import Case, Way
from computations import config_of, draw_pairs, prepare
from stages import REST, Clock, watched
from worker import Worker

COPIED = 2**26  # bytes, more than a cache has
FEWEST = 2  # rounds


class ProfileWorker(Worker):
    """Watches cases of the suite "kernels"."""

    def copy(self) -> float:
        """Rate at which torch copies memory, bytes read and written a second."""
        source = torch.ones(COPIED, dtype=torch.uint8)
        into = torch.empty_like(source)
        return 2 * COPIED / min(self._seconds(lambda: into.copy_(source), 3) for _ in range(3))

    def rounds(self, case: str, way: dict[str, Any], seconds: float) -> list[dict[str, Any]]:
        """Do a case by itself and watched, in turns, as often as the time allows.

        Returns
        -------
        list of dict
            `alone`, the CPU seconds of a case that is not watched; `passes`, by pass and phase, of
            the compiled block; of a step also `stages`.
        """
        run = prepare(self.cases[case], Way(**way), self.device, self.dropout)
        watch = _step_watch(self.cases[case], run) if self.cases[case].kind == "step" else run
        rounds: list[dict[str, Any]] = []
        run()  # fills caches and takes memory
        start = time.perf_counter()
        while len(rounds) < FEWEST or time.perf_counter() - start < seconds:
            alone = self._seconds(run, 1)
            native().start_watch()
            stages = watch()
            rounds.append({"alone": alone, "passes": native().stop_watch(), "stages": stages})
        return rounds


def _step_watch(case: Case, run: Callable[[], None]) -> Callable[[], dict[str, float]]:
    """Return what does a step, after what a run does with its batch, and gives seconds by stage."""
    some, noise = draw_pairs(case.shape, config_of(case.shape, 0.0))
    one_query = SimpleNamespace(
        obs=some.obs.numpy(),
        interv=some.interv.numpy()[:, None],
        targets=some.targets.numpy()[:, None],
        values=some.values.numpy()[:, None],
    )

    def do() -> dict[str, float]:
        clock = Clock()
        clock.enter("data")
        pairs(one_query, standardised=True)
        torch.randn(noise.shape)
        clock.enter(REST)
        with watched(clock):
            run()
        clock.enter(REST)
        return dict(clock.seconds)

    return do


if __name__ == "__main__":
    answer_requests(ProfileWorker)
