"""lalonde: what people would have earned if nobody had been trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from activa_eval.datasets.jobs import COLUMNS, load_jobs
from activa_eval.suites.batch import KnownEffects, Problem

TRAINED = POPULATION = 90  # rows of each in one sample
SUBSAMPLES = 20


def lalonde(seed: int, source: str | Path | None = None) -> KnownEffects:
    """Draw 20 subsamples of 90 trained people and 90 of the population, and ask do(treat = 0).

    In the truth those who would have been trained are replaced by people whom the lot kept from
    it, and the population is as it is: nobody there was trained.

    Parameters
    ----------
    seed : int
        Draws the people.
    source : str or Path, optional
        Where causaldata is; see `load_jobs`.
    """
    rng = np.random.default_rng(seed)
    people = load_jobs(source)
    values = np.where(np.array(COLUMNS) == "treat", 0.0, np.nan)[None]  # one query
    problems = []
    for _ in range(SUBSAMPLES):
        population = rng.permutation(people.population)[: 3 * POPULATION].reshape(3, POPULATION, -1)
        obs = np.concatenate([rng.permutation(people.trained)[:TRAINED], population[0]])
        controls = rng.permutation(people.not_trained)[: 2 * TRAINED].reshape(2, TRAINED, -1)
        truth = np.concatenate([controls, population[1:]], axis=1)  # (2, N, d)
        problems.append(Problem(obs, truth[:1], truth[1:], values, graph=None))
    return KnownEffects.stack(problems)
