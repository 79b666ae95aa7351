"""activa evaluate: a model on fresh causal models whose answers are known, beside reference rows."""

import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from activa_cli.console import progress, say
from activa_cli.errors import InputError
from activa_cli.experiments import printed_of
from activa_cli.info import this_machine
from activa_cli.results import Record, check_places, deliver, draw, records, tables, titles

if TYPE_CHECKING:
    import numpy as np
    from activa_core.checkpoint import ModelCard
    from activa_eval import BatchPredictor, Predictor, Scores
    from activa_eval.scores import Scale
    from activa_sim import CausalBatch
    from numpy.typing import NDArray

MODELS_A_BATCH = 50  # where the number of rows varies, each batch has its own
SPREAD = "no point mass"  # queries in whose truth no column is constant but the target
SCALES: tuple["Scale", ...] = ("data", "standardised")


class Reference(StrEnum):
    """Rows beside the model's; see activa-eval."""

    oracle = "oracle"
    no_change = "no_change"
    conditional_gaussian = "conditional_gaussian"
    hedge = "hedge"
    eqvar = "eqvar"
    lingam = "lingam"
    ida = "ida"
    told_graph = "told_graph"
    bayes_pair = "bayes_pair"


def evaluate(
    model: Annotated[str, typer.Argument(help="Name or path of a model.")],
    data: Annotated[
        str | None, typer.Option(help="A simulator; default: the one the model was trained on.")
    ] = None,
    models: Annotated[int, typer.Option(min=2, help="How many fresh causal models.")] = 1000,
    samples: Annotated[
        int | None, typer.Option(min=2, help="Rows of a data set; default: as in training.")
    ] = None,
    draws: Annotated[int, typer.Option(min=1, help="Hypotheses about the mechanism.")] = 50,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    rows: Annotated[
        list[Reference] | None, typer.Option(help="Reference rows; default: all that fit.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write all results (.json).")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the scores (.png).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all results as JSON.")] = False,
) -> None:
    """Score a model's answers on fresh causal models of the test split, and the reference rows."""
    import activa_eval
    from activa_core import Activa

    check_places(out, plot)
    asked = Activa.from_pretrained(model)
    preset = data or trained_on(asked.card)
    sizes = asked.card.n_samples if samples is None else (samples, samples)
    predictors = {"activa": asked.predictor(draws=draws)}
    predictors |= {name.value: getattr(activa_eval, name) for name in rows or fitting(preset)}
    began = time.perf_counter()
    found = measure(predictors, fresh_batches(preset, models, sizes, seed), seed=seed)
    answer = {
        "model": model,
        "card": asked.card.model_dump(mode="json", exclude={"recipe"}),
        "data": preset,
        "models": models,
        "n_samples": list(sizes),
        "draws": draws,
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 1),
        "machine": this_machine(),
        "printed": printed_of(asked.card.name, preset),
        "titles": titles(found),
        "results": found,
    }
    laid_out = tables(found, f"{model} on {models} models of {preset}")
    deliver(answer, laid_out, partial(draw, found), out=out, plot=plot, as_json=as_json)


def measure(
    predictors: "Mapping[str, Predictor | BatchPredictor]",
    batches: "Sequence[CausalBatch]",
    *,
    seed: int,
    slow: Collection[str] = (),
    slow_models: int = 0,
) -> list[Record]:
    """Score predictors on all models, those named in `slow` on the first `slow_models` of them.

    The slow ones are compared with the others on the models that they have in common. Where the
    truth has point masses, the likelihood of the other queries is there by itself too.
    """
    import numpy as np

    scores: dict[str, dict[Scale, Scores]] = {}
    for name, predictor in predictors.items():
        these = first_models(batches, slow_models) if name in slow else batches
        scores[name] = score_all(name, predictor, these, seed=seed)
    masses = np.concatenate([point_masses(batch) for batch in batches])  # (M, Q)
    found: list[Record] = []
    for scale in SCALES:
        on_scale = {name: both[scale] for name, both in scores.items()}
        found += _compared(on_scale, scale, slow, slow_models)
        if masses.any():
            apart = {name: _without(s, masses[: len(s.mmd)]) for name, s in on_scale.items()}
            found += [
                {**r, "queries": SPREAD}
                for r in _compared(apart, scale, slow, slow_models)
                if (r["metric"], r["queries"], r["label"]) == ("nll", "all", None)
            ]
    return found


def point_masses(batch: "CausalBatch") -> "NDArray[np.bool_]":
    """Tell in which queries a column that is not set is constant in the truth, (M, Q)."""
    import numpy as np

    constant = (batch.interv == batch.interv[:, :, :1]).all(axis=2)  # (M, Q, d)
    return np.asarray((constant & ~batch.targets).any(axis=-1))


def _without(scores: "Scores", left_out: "NDArray[np.bool_]") -> "Scores":
    """Take the likelihood of some queries out of the scores."""
    import numpy as np

    if scores.nll is None:
        return scores
    kept = np.where(left_out, np.nan, scores.nll)
    return replace(scores, nll=kept, meaningless={**scores.meaningless, "nll": left_out})


def _compared(
    scores: "dict[str, Scores]", scale: str, slow: Collection[str], slow_models: int
) -> list[Record]:
    found = records({n: s for n, s in scores.items() if n not in slow}, scale)
    if scores.keys() & set(slow):
        alike = {
            name: whole if name in slow else first_scores(whole, slow_models)
            for name, whole in scores.items()
        }
        found += [record for record in records(alike, scale) if record["method"] in slow]
    return found


def first_models(batches: "Sequence[CausalBatch]", models: int) -> "list[CausalBatch]":
    """Keep the first models of several batches."""
    kept: list[CausalBatch] = []
    for batch in batches:
        if models > 0:
            kept.append(batch[:models])
        models -= len(batch)
    return kept


def first_scores(scores: "Scores", models: int) -> "Scores":
    """Keep the scores of the first models."""
    import numpy as np

    cut: dict[str, Any] = {}
    for field in fields(scores):
        value = getattr(scores, field.name)
        if isinstance(value, np.ndarray):
            cut[field.name] = value[:models]
        elif isinstance(value, Mapping):
            cut[field.name] = {name: labels[:models] for name, labels in value.items()}
    return replace(scores, **cut)


def fitting(preset: str) -> list[Reference]:
    """References that answer a simulator; one of them knows the law of gauss-2, and that only."""
    return [row for row in Reference if row != Reference.bayes_pair or preset == "gauss-2"]


def trained_on(card: "ModelCard") -> str:
    """Name the simulator in a model's recipe."""
    preset = card.recipe.get("data", {}).get("simulator")
    if not isinstance(preset, str):
        raise InputError("the model does not say what it was trained on; name it with --data")
    return preset


def fresh_batches(
    preset: str, models: int, sizes: tuple[int, int], seed: int
) -> "Sequence[CausalBatch]":
    """Draw models of the test split, in batches of their own size where the size varies."""
    from activa_sim import simulator

    from activa_cli.recipe import SimulatedSource

    fixed = sizes[0] == sizes[1]
    batch_size = models if fixed else min(models, MODELS_A_BATCH)
    source = SimulatedSource(
        simulator(preset), rows=sizes, batch_size=batch_size, seed=seed, split="test"
    )
    steps = -(-models // batch_size)
    whole = [source.batches(step, replicate=True) for step in range(steps)]
    left = models - (steps - 1) * batch_size
    return [*whole[:-1], whole[-1][:left]]


def score_all(
    name: str,
    predictor: "Predictor | BatchPredictor",
    batches: "Sequence[CausalBatch]",
    *,
    seed: int,
) -> "dict[Scale, Scores]":
    """Score a predictor on all batches; say once that questions lay outside its range."""
    from activa_eval import concatenate, score_scales

    total = sum(len(batch) for batch in batches)
    with range_warnings_said_once(name), progress(name, total) as advance:
        parts = [
            score_scales(predictor, batch, seed=seed + step, scales=SCALES, progress=advance)
            for step, batch in enumerate(batches)
        ]
    return {scale: concatenate([part[scale] for part in parts]) for scale in SCALES}


@contextmanager
def range_warnings_said_once(name: str) -> Iterator[None]:
    """Of all questions that lie outside a model's range say the first, and how many there were."""
    from activa_core.predict import RangeWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RangeWarning)
        yield
    outside = [w for w in caught if issubclass(w.category, RangeWarning)]
    if outside:
        say(f"{outside[0].message} (the first of {len(outside)} such warnings to {name})")
    for other in caught:
        if other not in outside:
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
