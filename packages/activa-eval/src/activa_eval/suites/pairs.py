"""pairs-2: real pairs of a cause and its effect, either of them set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from activa_eval.arrays import FloatArray
from activa_eval.datasets.tuebingen import CausePair, load_pairs
from activa_eval.suites.batch import KnownEffects, Problem

ROWS = 40
LEAST_ROWS = 500  # so that the rows nearest to a value are near
LEAST_VALUES = 20  # that a column takes
QUANTILES = (0.1, 0.5, 0.9)


def pairs_2(seed: int, source: str | Path | None = None) -> KnownEffects:
    """Draw one pair of each of the 23 data sets that have rows enough, and 40 rows of it.

    Each column is set to its 10, 50 and 90 % quantile. If the cause is set, the truth is what the
    effect was in the rows whose cause is nearest to the value; if the effect is set, the cause as
    it is. The 80 rows of both samples of the truth are none of the 40 observed. Columns are in
    random order.

    Parameters
    ----------
    seed : int
        Draws pairs, rows and the order of the columns.
    source : str or Path, optional
        Where cdt is; see `load_pairs`.
    """
    rng = np.random.default_rng(seed)
    datasets: dict[int, list[CausePair]] = {}
    for pair in load_pairs(source):
        if usable(pair):
            datasets.setdefault(pair.dataset, []).append(pair)
    chosen = [members[rng.integers(len(members))] for members in datasets.values()]
    return KnownEffects.stack([problem_of(pair, rng) for pair in chosen])


def usable(pair: CausePair) -> bool:
    """Whether a pair has rows and distinct values enough."""
    values = min(len(np.unique(column)) for column in (pair.cause, pair.effect))
    return len(pair.cause) >= LEAST_ROWS and values >= LEAST_VALUES


def problem_of(pair: CausePair, rng: np.random.Generator) -> Problem:
    """Draw rows and truths of one pair."""
    order = rng.permutation(len(pair.cause))
    rows = np.stack([pair.cause, pair.effect], axis=1)[order]  # (n, 2)
    obs, rest = rows[:ROWS], rows[ROWS:]
    truths, values = [], []
    for target in (0, 1):
        for quantile in QUANTILES:
            value = np.quantile(rows[:, target], quantile, method="inverted_cdf")
            others = _nearest(rest, value) if target == 0 else rest
            drawn = rng.permutation(others)[: 2 * ROWS]
            drawn[:, target] = value
            truths.append(drawn)
            values.append(np.where(np.arange(2) == target, value, np.nan))
    columns = rng.permutation(2)
    truth = np.stack(truths)[..., columns]  # (Q, 2 N, 2)
    place = np.argsort(columns)
    graph = np.zeros((2, 2), dtype=bool)
    graph[place[0], place[1]] = True
    return Problem(
        obs=obs[:, columns],
        interv=truth[:, :ROWS],
        interv_replicate=truth[:, ROWS:],
        values=np.stack(values)[:, columns],
        graph=graph,
    )


def _nearest(rows: FloatArray, value: float) -> FloatArray:
    """Rows (2 N, 2) whose cause is nearest; the rows come in random order, which breaks ties."""
    return rows[np.argsort(np.abs(rows[:, 0] - value), kind="stable")[: 2 * ROWS]]
