"""activa ablate: what each choice in a recipe is worth, all variants trained and scored alike."""

import re
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from activa_cli.ablation_report import write_report
from activa_cli.console import say, show
from activa_cli.evaluate import score_all
from activa_cli.info import this_machine
from activa_cli.results import Record, plain, records

if TYPE_CHECKING:
    from activa_eval import Scores
    from activa_sim import CausalBatch

    from activa_cli.recipe import Recipe
    from activa_cli.study import Variant

MODEL, CPU_SECONDS = "model.safetensors", "cpu_seconds.txt"


def ablate(
    study: Annotated[Path, typer.Argument(help="YAML file: a recipe, steps, named changes.")],
    out: Annotated[
        Path, typer.Option(help="Folder; variants that stand there are not trained again.")
    ],
    steps: Annotated[int | None, typer.Option(min=1, help="Instead of the study's.")] = None,
    models: Annotated[int | None, typer.Option(min=2, help="Instead of the study's.")] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", help="Instead of the study's; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all results as JSON.")] = False,
) -> None:
    """Train every variant of a recipe alike, score all on the same held-out models."""
    from activa_core.errors import TrainingError
    from activa_sim import simulator

    from activa_cli.study import BASE, read_study, variants
    from activa_cli.train import commit, held_out

    options = {"steps": steps, "models": models, "seeds": seeds}
    asked = read_study(study, **{name: v for name, v in options.items() if v is not None})
    listed = variants(asked)
    base = listed[0].recipes[0]
    data = base.data.model_copy(update={"validation_models": asked.models})
    truth = base.model_copy(update={"data": data})
    batches = held_out(truth, simulator(data.simulator))
    head = {
        "study": asked.model_dump(mode="json"),
        "commit": commit(),
        "machine": this_machine(),
    }
    places: dict[Recipe, Path] = {}
    told: list[Record] = []
    scores: dict[str, Scores] = {}
    answer: Record = head
    written = ""
    for variant in listed:
        account: Record = {"name": variant.name, "changes": variant.changes}
        told.append(account)
        try:
            trained = [_trained(recipe, variant.name, places, out) for recipe in variant.recipes]
        except TrainingError as error:  # of this variant; the others go on
            account["failed"] = str(error)
        else:
            each = [_scored(variant, path, batches) for path in trained]
            scores[variant.name] = _mean(each)
            account |= _cost(trained)
            account["nll"] = [None if s.nll is None else plain(float(s.nll.mean())) for s in each]
        found = records(scores, "data", versus=BASE) if scores else []
        answer = {**head, "variants": told, "results": found}
        written = write_report(answer, out)
        say(f"{variant.name}: {out / 'ablation.md'}")
    if as_json:
        show(answer, as_json=True)
    else:
        typer.echo(written, nl=False)


def _trained(recipe: "Recipe", name: str, places: "dict[Recipe, Path]", out: Path) -> Path:
    """Train a recipe, or go on with it, where no variant before has the same; its folder."""
    from activa_cli.train import run

    if recipe in places:
        return places[recipe]
    words = f"{name} {recipe.training.seed}".lower()
    folder = out / "runs" / re.sub(r"[^a-z0-9.]+", "-", words).strip("-")
    if not _finished(recipe, folder):
        before, began = _cpu_seconds(folder), time.process_time()
        try:
            run(recipe, folder)
        finally:
            folder.mkdir(parents=True, exist_ok=True)
            spent = before + time.process_time() - began
            (folder / CPU_SECONDS).write_text(f"{spent:.1f}\n", encoding="utf-8")
    places[recipe] = folder
    return folder


def _finished(recipe: "Recipe", folder: Path) -> bool:
    from activa_core.checkpoint import read_card

    model = folder / MODEL
    return model.is_file() and read_card(model)[1].recipe == recipe.model_dump(mode="json")


def _cpu_seconds(folder: Path) -> float:
    path = folder / CPU_SECONDS
    return float(path.read_text(encoding="utf-8")) if path.is_file() else 0.0


def _cost(folders: "Sequence[Path]") -> Record:
    """Return what the training of a variant took, over all seeds."""
    from activa_core.checkpoint import read_card
    from activa_core.model import count_parameters

    cards = [read_card(folder / MODEL) for folder in folders]
    return {
        "parameters": count_parameters(cards[0][0]),
        "steps": sum(card.steps for _, card in cards),
        "models_seen": sum(card.models_seen for _, card in cards),
        "cpu_seconds": round(sum(map(_cpu_seconds, folders)), 1),
        "seconds": round(sum(card.training_seconds for _, card in cards), 1),
        "device": cards[0][1].device,
    }


def _scored(variant: "Variant", folder: Path, batches: "Sequence[CausalBatch]") -> "Scores":
    """Score a model on the held-out models, in the units of the data whatever its own are."""
    from activa_core import Activa

    predictor = Activa.from_pretrained(folder / MODEL).predictor(draws=variant.draws)
    return score_all(variant.name, predictor, batches, seed=0)["data"]


def _mean(each: "Sequence[Scores]") -> "Scores":
    """Average the scores of several seeds on each query of each model."""
    import numpy as np

    numbers: dict[str, Any] = {}
    for field in fields(each[0]):
        values = [getattr(scores, field.name) for scores in each]
        if isinstance(values[0], np.ndarray) and values[0].dtype.kind == "f":
            numbers[field.name] = np.mean(values, axis=0)
    return replace(each[0], **numbers)
