"""Time what a stream of simulations costs a training, and see that it holds no memory.

A recipe is trained for some steps on its stream, and as long on one batch that was drawn before:
the difference is what drawing costs, with the thread that draws ahead and all that it disturbs.
Beside it stands the cost of drawing a batch by itself. Both are CPU seconds.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from processes import commit_here
from save import save

RECIPES = ("gauss-2", "gauss-8")
STEPS, ROUNDS = 8, 3
MOST = 0.02  # of a training step
LOOKS = 10  # at the memory
ROWS, BATCH = 40, 1000


def measure(options: argparse.Namespace) -> Path:
    """Measure every chosen recipe, then the memory, print both and write the results."""
    from activa_cli.info import processor
    from activa_sim import backend

    here = backend()
    # the memory first: a training's would hide what a stream takes
    looks = memory(BATCH * LOOKS if options.quick else options.models)
    shares = [of_a_step(name, quick=options.quick) for name in RECIPES if options.only in name]
    for share in shares:
        print(json.dumps(share, indent=1), flush=True)
    result = {
        "suite": "sim --stream",
        "device": f"{processor()} {here.instruction_set}",
        "implementation": here.implementation,
        "commit": commit_here(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": options.quick,
        "most": MOST,
        "shares": shares,
        "memory": looks,
    }
    return save(result, options.folder, "sim stream", result["commit"])


def of_a_step(name: str, *, quick: bool) -> dict[str, Any]:
    """Share of drawing in the steps of a recipe's training, by itself and by difference."""
    from activa_cli.recipe import SimulatedSource, read_recipe
    from activa_core.train import fit
    from activa_sim import simulator

    recipe = read_recipe(name)
    steps = 2 if quick else STEPS
    config = recipe.training.model_copy(update={"steps": steps})
    source = SimulatedSource(
        simulator(recipe.data.simulator), rows=recipe.data.rows, batch_size=config.batch_size, seed=0
    )  # fmt: skip
    drawn = Same(source.batches(0))

    def train(feed: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            fit(recipe.model, feed, config, Path(folder))

    def draw() -> None:
        for step in range(steps):
            source.batches(step)

    jobs = (lambda: train(drawn), lambda: train(source), draw)
    takes = [[seconds(job) / steps for job in jobs] for _ in range(1 if quick else ROUNDS)]
    return {
        "recipe": name,
        "models": config.batch_size,
        "step_seconds": median(step for step, _, _ in takes),
        "drawing_seconds": median(drawing for _, _, drawing in takes),
        "share_by_itself": round(median(drawing / step for step, _, drawing in takes), 5),
        "share_by_difference": round(median(fed / step - 1 for step, fed, _ in takes), 5),
    }


class Same:
    """A source of one batch."""

    def __init__(self, batch: object) -> None:
        self.batch = batch

    def batches(self, step: int) -> object:  # noqa: ARG002 - as every source has it
        """Return the batch, whatever the step."""
        return self.batch


def memory(models: int) -> list[dict[str, float]]:
    """Most memory that the process had, each time another tenth of a stream has passed."""
    from activa_sim import simulator

    stream = simulator("gauss-2").stream(BATCH, ROWS, ahead=2)
    looks = []
    for tenth in range(1, LOOKS + 1):
        start = time.perf_counter()
        for _ in islice(stream, max(1, models // (LOOKS * BATCH))):
            pass
        unit = 1 if sys.platform == "darwin" else 1024
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
        looks.append(
            {
                "models": tenth * models // LOOKS,
                "most_mib": round(most, 1),
                "seconds": round(time.perf_counter() - start, 2),
            }
        )
        print(json.dumps(looks[-1]), flush=True)
    stream.close()
    return looks


def seconds(do: Callable[[], object]) -> float:
    """CPU seconds that something takes, in all threads."""
    start = time.process_time()
    do()
    return time.process_time() - start
