"""activa bench: the models and reference rows on real data whose answers are known."""

import time
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from activa_cli.console import grid, progress, say
from activa_cli.errors import InputError
from activa_cli.evaluate import Reference, range_warnings_said_once
from activa_cli.info import this_machine
from activa_cli.predict import general_model
from activa_cli.results import TITLES, Record, check_places, deliver, records, with_interval

if TYPE_CHECKING:
    from activa_eval import BatchPredictor, Predictor, Scores
    from activa_eval.suites import KnownEffects

OURS = "activa"
REFERENCES = tuple(row.value for row in Reference if row != Reference.bayes_pair)
WIDEST = 4  # columns of a table of parts


class Benchmark(StrEnum):
    """Versions; what a version measures does not change."""

    real_v1 = "real-v1"


class SuiteName(StrEnum):
    """Suites of the benchmark."""

    pairs_2 = "pairs-2"
    gbn_8 = "gbn-8"
    lalonde = "lalonde"
    sachs = "sachs"


def bench(
    benchmark: Annotated[Benchmark, typer.Argument(help="Which benchmark.")],
    suite: Annotated[
        list[SuiteName] | None, typer.Option(help="Which suites; default: all that are installed.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Name or path; default: the smallest general model that fits."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Subsamples of each data set.")] = 3,
    draws: Annotated[int, typer.Option(min=1, help="Hypotheses about the mechanism.")] = 50,
    out: Annotated[Path | None, typer.Option(help="Write all results (.json).")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the scores (.png).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all results as JSON.")] = False,
) -> None:
    """Score models and reference rows on real data, on columns of unit variance."""
    from activa_eval.suites import SUITES

    check_places(out, plot)
    began = time.perf_counter()
    scores: dict[str, dict[str, Scores]] = {}
    about: dict[str, Any] = {}
    found: list[Record] = []
    for name, batches in drawn(suite, seeds).items():
        chosen, predictors = methods(batches[0], model, draws)
        scores[name] = {
            method: score_seeds(f"{name} {method}", predictor, batches)
            for method, predictor in predictors.items()
        }
        found += [{"suite": name, **r} for r in records(scores[name], "standardised")]
        models, queries, rows, variables = batches[0].interv.shape
        about[name] = {
            "question": SUITES[name].question,
            "reading": SUITES[name].reading,
            "unit": SUITES[name].unit,
            "units": models,
            "queries": queries,
            "rows": rows,
            "variables": variables,
            "model": chosen,
            "source": SUITES[name].source,
            "licence": SUITES[name].licence,
            "caveats": list(SUITES[name].caveats),
        }
    answer = {
        "benchmark": benchmark.value,
        "seeds": seeds,
        "draws": draws,
        "seconds": round(time.perf_counter() - began, 1),
        "machine": this_machine(),
        "suites": about,
        "results": found,
    }
    laid_out = (
        table
        for name, said in about.items()
        for table in as_tables(name, said, [r for r in found if r["suite"] == name])
    )
    deliver(answer, laid_out, partial(draw, scores), out=out, plot=plot, as_json=as_json)


def drawn(asked: Sequence[SuiteName] | None, seeds: int) -> "dict[str, list[KnownEffects]]":
    """Draw the suites that were asked for, or all whose data are installed.

    Raises
    ------
    InputError
        If the data of one that was asked for are missing, or of all.
    """
    from activa_eval import InputError as DataError
    from activa_eval.suites import SUITES

    found: dict[str, list[KnownEffects]] = {}
    missing: list[str] = []
    for name in asked or SuiteName:
        try:
            found[name.value] = [SUITES[name.value].draw(seed) for seed in range(seeds)]
        except DataError as error:
            if asked:
                raise
            missing.append(str(error))
            say(f"left out {name.value}: {error}")
    if not found:
        raise InputError(f"there is no data to measure on: {'; '.join(dict.fromkeys(missing))}")
    return found


def methods(
    batch: "KnownEffects", model: str | None, draws: int
) -> "tuple[str | None, dict[str, Predictor | BatchPredictor]]":
    """Name the model that takes the columns of a suite, if any, and list what is to be scored."""
    import activa_eval
    from activa_core import Activa

    known = [name for name in REFERENCES if name != "told_graph" or batch.graphs is not None]
    predictors = {name: getattr(activa_eval, name) for name in known}
    columns = batch.obs.shape[-1]
    if model is None:
        try:
            chosen = general_model(columns)
        except InputError:
            return None, predictors
        return chosen, {OURS: Activa.from_pretrained(chosen).predictor(draws=draws), **predictors}
    asked = Activa.from_pretrained(model)
    if not asked.config.min_variables <= columns <= asked.config.max_variables:
        return None, predictors
    return model, {OURS: asked.predictor(draws=draws), **predictors}


def score_seeds(
    label: str,
    predictor: "Predictor | BatchPredictor",
    batches: "Sequence[KnownEffects]",
) -> "Scores":
    """Score a predictor on every seed's subsamples; say once that questions lay outside its range."""
    from activa_eval import score
    from activa_eval.suites import beside

    total = sum(len(batch.obs) for batch in batches)
    with range_warnings_said_once(label), progress(label, total) as advance:
        parts = [
            score(predictor, batch, seed=seed, scale="standardised", progress=advance)
            for seed, batch in enumerate(batches)
        ]
    return beside(parts)


def as_tables(name: str, about: Mapping[str, Any], found: Sequence[Record]) -> Iterator[Table]:
    """Lay out one suite, a line a method; "-" where a method has no answer."""
    metrics = [metric for metric in TITLES if any(r["metric"] == metric for r in found)]
    whole = _by_method(about, found, {TITLES[m]: (m, "all", None) for m in metrics})
    whole.title = f"\n{name}: {about['question']}; {about['units']} {about['unit']}, 95 % intervals"
    whole.caption, whole.caption_justify = about["reading"], "left"
    yield whole
    parts = ("effect", "no effect") if any(r["queries"] == "effect" for r in found) else ()
    columns = {f"ED, {part}": ("energy_distance", part, None) for part in parts}
    groups = dict.fromkeys(r["group"] for r in found if r["group"] is not None)
    columns |= {f"ED, {group}": ("energy_distance", "all", group) for group in groups}
    for start in range(0, len(columns), WIDEST):
        yield _by_method(about, found, dict(list(columns.items())[start : start + WIDEST]))


def draw(scores: "Mapping[str, Mapping[str, Scores]]", path: Path) -> None:
    """Draw every suite, a line each."""
    from activa_eval import compare
    from activa_eval.plots import plot_scores

    plot_scores({name: compare(all_) for name, all_ in scores.items()}, path, highlight=(OURS,))


def _by_method(
    about: Mapping[str, Any],
    found: Sequence[Record],
    columns: Mapping[str, tuple[str, str, str | None]],
) -> Table:
    """Lay out columns, each of a metric, a part of the queries and a group of the models."""
    cells = {(r["method"], r["metric"], r["queries"], r["group"]): r for r in found}
    model = about["model"] and Path(about["model"]).name.removesuffix(".safetensors")
    rows = []
    for method in (OURS, *REFERENCES):
        name = f"{method} ({model})" if method == OURS and model else method
        rows.append([name, *(_cell(cells.get((method, *column))) for column in columns.values())])
    return grid("", ["", *columns], rows)


def _cell(record: Record | None) -> str:
    if record is None or record["mean"] is None:
        return "-"
    return with_interval(record)
