"""activa train: a recipe's simulator and network, joined; stops and resumes at any time."""

import math
import subprocess
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from activa_cli.console import say, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from activa_core.checkpoint import ModelCard
    from activa_sim import CausalBatch, Simulator

    from activa_cli.recipe import Recipe


class Device(StrEnum):
    """Kinds of devices."""

    cpu = "cpu"
    cuda = "cuda"


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, or the path of a YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; a run that stands there goes on.")],
    steps: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's.")] = None,
    start: Annotated[
        Path | None,
        typer.Option("--from", help="A trained model whose weights a new run begins with."),
    ] = None,
    device: Annotated[
        Device, typer.Option(help="Where the network is trained; under torchrun, one a process.")
    ] = Device.cpu,
    as_json: Annotated[bool, typer.Option("--json", help="Describe the model as JSON.")] = False,
) -> None:
    """Train a model on fresh simulations, or go on with a run that was interrupted."""
    import torch
    from activa_core import checkpoint
    from activa_core.processes import Processes, joined

    from activa_cli.recipe import read_recipe

    chosen = read_recipe(recipe)
    overrides = {"steps": steps, "seed": seed}
    given = {name: value for name, value in overrides.items() if value is not None}
    chosen = chosen.model_copy(update={"training": chosen.training.model_copy(update=given)})
    with joined(torch.device(device)) as own:
        path = run(chosen, out, start=start, device=own)
        first = Processes.running().first
    if not first:
        return
    _, card = checkpoint.load(path)
    if as_json:
        show({"file": str(path), **card.model_dump(mode="json")}, as_json=True)
    else:
        nll = card.metrics["held_out_nll"]
        say(f"wrote {path} after {card.steps} steps, held-out NLL {nll:.3f} a row")


def run(
    chosen: "Recipe", out: Path, *, start: Path | None = None, device: "torch.device | str" = "cpu"
) -> Path:
    """Train what a recipe describes, or go on with it, and return the model's file.

    However it ends, the log is drawn beside it.
    """
    from activa_core.loss_plot import plot_log
    from activa_core.processes import Processes
    from activa_core.train import fit
    from activa_sim import simulator

    from activa_cli.recipe import SimulatedSource

    source = SimulatedSource(
        simulator(chosen.data.simulator),
        rows=chosen.data.rows,
        batch_size=chosen.training.batch_size,
        seed=chosen.training.seed,
        max_rows=chosen.data.max_rows,
    )
    validation = held_out(chosen, source.simulator)
    try:
        return fit(
            chosen.model,
            source,
            chosen.training,
            out,
            validation=validation,
            card=first_card(chosen, source.simulator, validation),
            device=device,
            start=start,
        )
    finally:
        if Processes.running().first:
            plot_log(out / "log.jsonl", out / "loss.png")


def held_out(recipe: "Recipe", simulator: "Simulator") -> list["CausalBatch"]:
    """Draw validation models at the fewest, a middle and the most rows."""
    low, high = recipe.data.rows
    models, seed = recipe.data.validation_models, recipe.training.seed
    sizes = sorted({low, round(math.sqrt(low * high)), high})
    return [simulator.sample(models, n, seed=seed, split="validation") for n in sizes]


def first_card(
    recipe: "Recipe", simulator: "Simulator", validation: "Sequence[CausalBatch]"
) -> "ModelCard":
    """Return what is known of a model before it is trained."""
    from activa_core.checkpoint import ModelCard
    from activa_sim.queries import WithinSpread

    query = simulator.config.query
    return ModelCard(
        name=recipe.name,
        n_samples=recipe.data.rows,
        n_variables=(simulator.config.variables, simulator.config.variables),
        value_range=query.width if isinstance(query, WithinSpread) else None,
        scale_range=scale_range(validation) if recipe.model.needs_units else None,
        recipe=recipe.model_dump(mode="json"),
        commit=commit(),
    )


def scale_range(batches: "Sequence[CausalBatch]") -> tuple[float, float]:
    """Return the least and the greatest standard deviation of a column that varies."""
    import numpy as np

    scales = np.concatenate([batch.obs.std(axis=1, ddof=1).ravel() for batch in batches])
    varying = scales[scales > 0]
    return float(varying.min()), float(varying.max())


def commit() -> str:
    """Return the commit of the working tree in which this was started, if it was one."""
    command = ["git", "describe", "--always", "--dirty", "--match", ""]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
