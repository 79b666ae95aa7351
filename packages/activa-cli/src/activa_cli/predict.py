"""activa predict: what would an intervention do? Asked of a CSV file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from activa_cli.console import grid, number, say, show
from activa_cli.errors import InputError
from activa_cli.tables import asked_about, parse_do, read_csv

SAMPLES = 1000  # rows of --samples


def predict(
    data: Annotated[Path, typer.Argument(help="CSV file; its first line names the columns.")],
    do: Annotated[list[str], typer.Option(help="Column and value, for example X=5.")],
    outcome: Annotated[
        list[str] | None,
        typer.Option(help="Ask only about this column; others are left out. May be repeated."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Name or path; default: the smallest general model that fits."),
    ] = None,
    draws: Annotated[int, typer.Option(min=1, help="Hypotheses about the mechanism.")] = 50,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    plot: Annotated[Path | None, typer.Option(help="Draw data and prediction (.png).")] = None,
    samples: Annotated[
        Path | None, typer.Option(help=f"Write {SAMPLES} predicted rows (.csv).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Predict the distribution of every column when one of them is set to a value."""
    query = parse_do(do)
    table = read_csv(data)
    if outcome:
        table = asked_about(table, query, outcome)

    from activa_core import Activa
    from activa_core.files import write_whole

    name = model or general_model(len(table.columns))
    effect = Activa.from_pretrained(name).intervene(table, query, draws=draws, seed=seed)
    answer = {"model": name, "rows": len(table), **effect.summary(level=0.9)}
    show(answer if as_json else _as_grid(answer), as_json=as_json)
    if plot is not None:
        effect.plot(plot)
        say(f"drew {plot}")
    if samples is not None:
        write_whole(samples, effect.sample(SAMPLES, seed=seed).to_csv(index=False).encode())
        say(f"wrote {SAMPLES} predicted rows to {samples}")


def general_model(n_columns: int) -> str:
    """Name the smallest shipped model that takes any value of as many columns.

    Raises
    ------
    InputError
        If every general model takes fewer columns, or only more.
    """
    from activa_core.checkpoint import read_card
    from activa_core.predict import misfit, shipped_models

    configs = {name: read_card(path)[0] for name, path in shipped_models().items()}
    general = {name: c for name, c in configs.items() if c.query == "value"}
    fitting = {
        name: c.max_variables
        for name, c in general.items()
        if c.min_variables <= n_columns <= c.max_variables
    }
    if not fitting:
        fewest = min((c.min_variables for c in general.values()), default=0)
        most = max((c.max_variables for c in general.values()), default=0)
        span = misfit(n_columns, "the general models take", fewest, most)
        raise InputError(f"{span}; choose with --outcome, or name a model with --model")
    return min(fitting, key=lambda name: fitting[name])


def _as_grid(answer: dict[str, Any]) -> Any:
    """Lay the answer out, one line a column that the query leaves free."""
    do = ", ".join(f"{column} = {value:g}" for column, value in answer["do"].items())
    title = f"do({do}), model {answer['model']}, {answer['rows']} rows"
    head = ("column", "observed mean", "mean", "90 % of rows", "90 % of means", "prob. moves")
    rows = [
        (
            column,
            number(found["observed_mean"]),
            number(found["mean"]),
            _interval(found["row_interval"]),
            _interval(found["mean_interval"]),
            f"{found['prob_moves']:.2f}",
        )
        for column, found in answer["outcomes"].items()
    ]
    return grid(title, head, rows)


def _interval(ends: list[float]) -> str:
    return f"{number(ends[0])} to {number(ends[1])}"
