"""sachs: signalling proteins under seven reagents, a stress test of every assumption."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from activa_eval.datasets.sachs import load_sachs
from activa_eval.suites.batch import KnownEffects, Problem

ROWS = 100
SUBSAMPLES = 10


def sachs(seed: int, source: str | Path | None = None) -> KnownEffects:
    """Draw 10 subsamples of 100 cells, and of those under each of seven reagents.

    A reagent is taken for a query that sets its protein to the mean that it has under the reagent,
    which is not what reagents do.

    Parameters
    ----------
    seed : int
        Draws the cells.
    source : str or Path, optional
        Where cdt is; see `load_sachs`.
    """
    rng = np.random.default_rng(seed)
    cells = load_sachs(source)
    d = len(cells.names)
    problems = []
    for _ in range(SUBSAMPLES):
        truths, values = [], []
        for reagent, rows in cells.conditions.items():
            target = cells.targets[reagent]
            value = rows[:, target].mean()
            drawn = rng.permutation(rows)[: 2 * ROWS]
            drawn[:, target] = value
            truths.append(drawn)
            values.append(np.where(np.arange(d) == target, value, np.nan))
        truth = np.stack(truths)
        obs = rng.permutation(cells.observational)[:ROWS]
        problem = Problem(obs, truth[:, :ROWS], truth[:, ROWS:], np.stack(values), cells.graph)
        problems.append(problem)
    return KnownEffects.stack(problems)
