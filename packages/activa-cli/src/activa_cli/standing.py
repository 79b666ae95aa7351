"""Where a model stands in a row of the paper's table: ours, the best reference, and the bounds."""

from collections.abc import Iterator, Sequence

from activa_cli.experiments import EXPERIMENTS, OURS, Row
from activa_cli.results import Record

__all__ = ["PRINTED", "SPLIT", "counts", "mean_of", "standing"]

LEARNED = ("activa", "activa_one_draw")
KNOWING = ("oracle", "bayes_pair", "told_graph")  # they are told what no method can know
PRINTED = ("mmd", "wasserstein", "energy_distance")  # in the order of the paper's columns
SPLIT = ("mmd", "energy_distance", "nll")


def standing(row: Record) -> dict[str, Record]:
    """Set ours beside the best of the references that are told no more than we are.

    Parameters
    ----------
    row : Record
        What `activa reproduce` measured of one row.

    Returns
    -------
    dict of metric to Record
        `ours`: mean, low, high. `best reference`: method and mean, and as `less ours` the paired
        difference, on the models that both answered. `Bayes`, `oracle`, `bar`, `paper`: numbers.
        None where there is no such number.
    """
    return {metric: dict(_standing(row, metric)) for metric in SPLIT}


def _standing(row: Record, metric: str) -> Iterator[tuple[str, object]]:
    whole = {r["method"]: r for r in row["results"] if counts(r) and r["metric"] == metric}
    means = {name: float(r["mean"]) for name, r in whole.items() if r["mean"] is not None}
    others = {name: m for name, m in means.items() if name not in (*LEARNED, *KNOWING)}
    best = min(others, key=others.__getitem__, default=None)
    ours = whole.get("activa")
    printed = row["printed"].get(OURS) if metric == "mmd" else None
    yield "ours", None if ours is None else {name: ours[name] for name in ("mean", "low", "high")}
    yield "best reference", None if best is None else {"method": best, "mean": others[best]}
    yield "less ours", None if best is None else whole[best]["difference"]
    yield "bar", EXPERIMENTS[Row(row["row"])].bars.get(metric)
    yield "Bayes", means.get("bayes_pair")
    yield "oracle", means.get("oracle")
    yield "paper", None if printed is None else printed[0]


def counts(record: Record, queries: str = "all") -> bool:
    """Whether a record is of all models, in the units of the data, and of these queries."""
    return (record["scale"], record["label"], record["queries"]) == ("data", None, queries)


def mean_of(results: Sequence[Record], method: str, metric: str) -> float | None:
    """Return a method's mean over all models and queries."""
    for r in results:
        if counts(r) and (r["method"], r["metric"]) == (method, metric) and r["mean"] is not None:
            return float(r["mean"])
    return None
