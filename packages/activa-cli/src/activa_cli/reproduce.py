"""activa reproduce: the paper's experiments with the models of this package, by one command."""

import hashlib
import json
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from activa_cli.console import say, show
from activa_cli.evaluate import fresh_batches, measure, point_masses
from activa_cli.experiments import EXPERIMENTS, Row
from activa_cli.info import this_machine
from activa_cli.report import draw_all, markdown, summary
from activa_cli.results import Record, titles, write
from activa_cli.standing import standing

if TYPE_CHECKING:
    from activa_core import Activa
    from activa_eval import BatchPredictor, Predictor

VERSIONS = ("activa-core", "activa-eval", "activa-sim")  # that a result depends on


class Table(StrEnum):
    """What can be reproduced."""

    table1 = "table1"


def reproduce(
    table: Annotated[Table, typer.Argument(help="Which of the paper's results.")],  # noqa: ARG001
    out: Annotated[
        Path, typer.Option(help="Folder; rows that stand there are not measured again.")
    ] = Path("table1"),
    models: Annotated[int, typer.Option(min=2, help="Fresh causal models for each row.")] = 1000,
    slow_models: Annotated[
        int, typer.Option(min=2, help="Of these, for the slow reference rows.")
    ] = 200,
    rows: Annotated[list[Row] | None, typer.Option(help="Rows of the table; default: all.")] = None,
    train: Annotated[
        list[Row] | None, typer.Option(help="Train a row's model from its recipe first.")
    ] = None,
    draws: Annotated[int, typer.Option(min=1, help="Hypotheses about the mechanism.")] = 50,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    samples: Annotated[
        bool, typer.Option("--samples", help="Draw predicted over true rows as well (.png).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all results as JSON.")] = False,
) -> None:
    """Measure the paper's Table 1 with the shipped models, every reference row beside them."""
    out.mkdir(parents=True, exist_ok=True)
    trained = {row: _trained(row, out) for row in train or ()}
    paths = {row: trained.get(row) or _shipped(EXPERIMENTS[row].model) for row in rows or list(Row)}
    found = []
    for row, path in paths.items():
        settings = _settings(row, path, models, min(slow_models, models), draws, seed)
        done = _read(out / f"{row}.json", settings)
        if done is None:
            done = {**settings, **_measured(row, path, settings)}
            write(done, out / f"{row}.json")
        found.append(done)
        say(f"{row}: {out / f'{row}.json'}")
    _write_report(found, out)
    if samples:
        _draw_samples(paths, out / "samples.png", draws=draws, seed=seed)
    if as_json:
        show({"rows": found}, as_json=True)
        return
    for part in summary(found):
        show(part, as_json=False)


def _draw_samples(paths: "dict[Row, Path | None]", to: Path, *, draws: int, seed: int) -> None:
    from activa_core import Activa

    from activa_cli.samples import draw_samples

    models = {r: Activa.from_pretrained(path) for r, path in paths.items() if path is not None}
    if not models:
        say("no model of these rows is shipped, so there are no samples to draw")
        return
    draw_samples(models, to, draws=draws, seed=seed)
    say(f"drew {to}")


def _settings(
    row: Row, path: Path | None, models: int, slow_models: int, draws: int, seed: int
) -> Record:
    """Return what the results of a row follow from."""
    experiment, machine = EXPERIMENTS[row], this_machine()
    digest = None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
    return {
        "row": str(row),
        "model": experiment.model,
        "checkpoint": digest,
        "data": str(row),
        "models": models,
        "slow_models": slow_models,
        "n_samples": [experiment.n_samples, experiment.n_samples],
        "draws": draws,
        "seed": seed,
        "references": list(experiment.references + experiment.slow),
        "versions": {package: machine[package] for package in VERSIONS},
    }


def _measured(row: Row, path: Path | None, settings: Record) -> Record:
    """Measure one row: every method on the same fresh models."""
    import activa_eval
    import numpy as np
    from activa_core import Activa

    experiment = EXPERIMENTS[row]
    predictors: dict[str, Predictor | BatchPredictor] = {}
    asked = None if path is None else Activa.from_pretrained(path)
    if asked is None:
        say(f"{row}: the model {experiment.model} is not shipped, only reference rows are measured")
    else:
        predictors |= _ours(asked, settings["draws"])
    slow = experiment.slow
    predictors |= {name: getattr(activa_eval, name) for name in experiment.references + slow}
    began = time.perf_counter()
    n, seed = experiment.n_samples, settings["seed"]
    batches = fresh_batches(row, settings["models"], (n, n), seed)
    found = measure(predictors, batches, seed=seed, slow=slow, slow_models=settings["slow_models"])
    card = None if asked is None else asked.card.model_dump(mode="json", exclude={"recipe"})
    return {
        "card": card,
        "printed": experiment.printed,
        "point_masses": float(np.mean([point_masses(batch).mean() for batch in batches])),
        "seconds": round(time.perf_counter() - began, 1),
        "machine": this_machine(),
        "results": found,
    }


def _ours(asked: "Activa", draws: int) -> "dict[str, Predictor]":
    """Return the model with all its draws, and with one, as the text to the paper's table says."""
    ours: dict[str, Predictor] = {"activa": asked.predictor(draws=draws)}
    if draws > 1 and asked.config.latent:
        ours["activa_one_draw"] = asked.predictor(draws=1)
    return ours


def _shipped(model: str) -> Path | None:
    from activa_core.predict import shipped_models

    return shipped_models().get(model)


def _trained(row: Row, out: Path) -> Path:
    """Train a row's model below `out`, or go on with it."""
    from activa_cli.recipe import read_recipe
    from activa_cli.train import run

    model = EXPERIMENTS[row].model
    return run(read_recipe(model), out / "runs" / model)


def _read(path: Path, settings: Record) -> Record | None:
    """Read a row that was measured before, if it follows from the same settings."""
    if not path.is_file():
        return None
    try:
        done: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        return None
    return done if {name: done.get(name) for name in settings} == settings else None


def _write_report(found: list[Record], out: Path) -> None:
    from activa_core.files import write_whole

    rows = ({**row, "standing": standing(row)} for row in found)
    lines = ",\n".join(json.dumps(row, allow_nan=False) for row in rows)
    called = json.dumps(titles([record for row in found for record in row["results"]]))
    whole = f'{{"titles": {called},\n"rows": [\n{lines}\n]}}\n'
    write_whole(out / "table1.json", whole.encode())
    write_whole(out / "table1.md", markdown(found).encode())
    draw_all(found, out / "table1.png")
    say(f"wrote table1.md, table1.json and table1.png into {out}")
