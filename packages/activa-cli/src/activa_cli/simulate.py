"""activa simulate: causal models with their data and interventions, into one .npz file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from activa_cli.console import say, show


class Split(StrEnum):
    """Parts of a simulator's models that share no random numbers."""

    train = "train"
    validation = "validation"
    test = "test"


def simulate(
    preset: Annotated[str, typer.Argument(help="A simulator, for example gauss-2.")],
    out: Annotated[Path, typer.Option(help="Where to write the data (.npz).")],
    models: Annotated[int, typer.Option(help="How many causal models.")] = 100,
    samples: Annotated[int, typer.Option(help="Rows of each data set.")] = 40,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    split: Annotated[Split, typer.Option(help="Splits share no random numbers.")] = Split.train,
    shards: Annotated[int, typer.Option(min=1, help="Share the models among so many runs,")] = 1,
    shard: Annotated[int, typer.Option(min=0, help="of which this is one: 0, 1, ...")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Describe the data as JSON.")] = False,
) -> None:
    """Draw causal models, a data set from each, and the answer to each query.

    The files of all shards hold what one run without --shards draws, model by model.
    """
    from activa_sim import simulator

    law = simulator(preset)
    if (shards, shard) == (1, 0):
        batch = law.sample(models, samples, seed=seed, split=split.value)
    else:
        batch = law.shard(models, samples, shards=shards, shard=shard, seed=seed, split=split.value)
    batch.save(out)
    if as_json:
        arrays = ("obs", "interv", "targets", "values", "graphs")
        present = {name: getattr(batch, name) for name in arrays}
        shapes = {name: list(a.shape) for name, a in present.items() if a is not None}
        show({"file": str(out), "shapes": shapes}, as_json=True)
    else:
        M, Q, N, d = batch.interv.shape
        say(f"wrote {M} models, {d} variables, {N} rows and {Q} queries each, to {out}")
