"""Put predictors side by side: means over models with bootstrap intervals, and differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import BoolArray, FloatArray, IntArray
from activa_eval.errors import InputError
from activa_eval.scores import Scores

BLOCK = 100  # resamples at a time, to bound the memory of the bootstrap


@dataclass(frozen=True)
class Estimate:
    """A mean over models with its bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One metric of one predictor on one part of the models and queries."""

    name: str
    metric: str
    group: str | None  # a value of `group_by`; None: all models
    queries: str  # "all", "effect" or "no effect"
    estimate: Estimate
    median: float  # over models: W1 and ED have heavy tails
    models: int  # that have such a query with a number
    nans: int  # pairs that should have a number and have none; the means leave them out
    difference: Estimate | None  # to the row named `versus`, on the models that both have
    skill: float | None  # 0: as good as the oracle, 1: knows nothing


def compare(
    scores: Mapping[str, Scores],
    *,
    versus: str | None = None,
    group_by: npt.ArrayLike | str | None = None,
    level: float = 0.95,
    n_bootstrap: int = 2000,
    seed: int = 0,
) -> list[Row]:
    """Average scores over each model's queries, then over models, the independent units.

    Parameters
    ----------
    scores : mapping of name to Scores
        All of the same batch on the same scale. If "oracle" and "no_change" are among them, rows
        of distances carry `skill`, (score - oracle) / (no_change - oracle).
    versus : str, optional
        The name to which every other is compared, by the bootstrap of the paired difference.
    group_by : array_like of shape (M,), or the name of one of the batch's labels, optional
        Repeat all rows for each value of it.
    level : float
        Of the percentile intervals.
    n_bootstrap, seed : int
        Resamples of the models, the same for every name and metric.

    Returns
    -------
    list of Row
        For each part, metric and name. Parts are all queries and, where the graphs are known,
        those with and without effect, of all models and of each group. A predictor that lacks a
        metric has no row for it.

    Raises
    ------
    InputError
        If the scores are not of one batch and scale, or a name is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from activa_eval import Scores
    >>> def made_up(level):
    ...     numbers = level + np.array([[0.1], [0.2], [0.3]])
    ...     return Scores(numbers, numbers, numbers, None, None, None, None, {}, "data")
    >>> row = compare({"a": made_up(0.0), "b": made_up(1.0)}, versus="a")[1]
    >>> row.name, row.metric, round(row.estimate.mean, 3), round(row.difference.low, 3)
    ('b', 'mmd', 1.2, 1.0)
    """
    _check(scores, versus, level, n_bootstrap)
    first = next(iter(scores.values()))
    rows: list[Row] = []
    for group, members in _groups(first, group_by):
        resample = _Bootstrap(len(members), n_bootstrap, level, seed)
        for queries, mask in _parts(first):
            if mask[members].any():
                rows += _part(scores, versus, group, queries, members, mask[members], resample)
    return rows


class _Bootstrap:
    """Percentile intervals of means over models, from one fixed set of resamples."""

    def __init__(self, models: int, resamples: int, level: float, seed: int) -> None:
        self.models, self.resamples, self.level, self.seed = models, resamples, level, seed

    def __call__(self, columns: FloatArray) -> list[Estimate]:
        """Estimate the mean of each column of (M, R) numbers; NaN is a model left out."""
        there, endless = ~np.isnan(columns), np.isinf(columns)
        numbers = np.where(there & ~endless, columns, 0.0)
        rng = np.random.default_rng(self.seed)
        uniform = np.full(self.models, 1.0 / self.models)
        drawn = np.empty((self.resamples, columns.shape[1]))
        for start in range(0, self.resamples, BLOCK):
            size = min(BLOCK, self.resamples - start)
            counts = rng.multinomial(self.models, uniform, size=size).astype(np.float64)
            drawn[start : start + size] = _mean(counts, numbers, there, endless)
        known = there.any(axis=0)
        bounds = np.full((2, columns.shape[1]), np.nan)
        tail = 50.0 * (1.0 - self.level)
        # nearest, not interpolated: between two infinities there is no number
        bounds[:, known] = np.nanpercentile(
            drawn[:, known], [tail, 100.0 - tail], axis=0, method="nearest"
        )
        centre = _mean(np.ones((1, self.models)), numbers, there, endless)[0]
        return [Estimate(*map(float, triple)) for triple in zip(centre, *bounds, strict=True)]


def _mean(
    counts: FloatArray, numbers: FloatArray, there: BoolArray, endless: BoolArray
) -> FloatArray:
    """Return the mean of each column with models counted `counts` times, (b, M) -> (b, R)."""
    with np.errstate(invalid="ignore"):  # 0 / 0: a resample without any model that has a number
        mean = (counts @ numbers) / (counts @ there)
    return np.where(counts @ endless > 0.0, np.inf, mean)


def _part(
    scores: Mapping[str, Scores],
    versus: str | None,
    group: str | None,
    queries: str,
    members: IntArray,
    mask: BoolArray,
    resample: _Bootstrap,
) -> list[Row]:
    """Rows of one group and one kind of queries; `mask` (M, Q) says which count."""
    cells = {
        (metric, name): np.where(mask, values[members], np.nan)
        for metric in _metrics(scores)
        for name, values in ((n, s.metrics().get(metric)) for n, s in scores.items())
        if values is not None
    }
    means = {key: _mean_of_finite(values) for key, values in cells.items()}
    gaps = {
        (metric, name): mean - means[metric, versus]
        for (metric, name), mean in means.items()
        if versus is not None and name != versus and (metric, versus) in means
    }
    estimates = dict(zip(means, resample(np.stack(list(means.values()), axis=1)), strict=True))
    differences = dict(
        zip(gaps, resample(np.stack(list(gaps.values()), axis=1)), strict=True) if gaps else ()
    )
    return [
        Row(
            name=name,
            metric=metric,
            group=group,
            queries=queries,
            estimate=estimates[metric, name],
            median=float(np.median(mean[~np.isnan(mean)])) if not np.isnan(mean).all() else np.nan,
            models=int(np.count_nonzero(~np.isnan(mean))),
            nans=_failures(
                cells[metric, name], mask, scores[name].meaningless.get(metric), members
            ),
            difference=differences.get((metric, name)),
            skill=_skill(estimates, metric, name),
        )
        for (metric, name), mean in means.items()
    ]


def _failures(
    values: FloatArray, mask: BoolArray, meaningless: BoolArray | None, members: IntArray
) -> int:
    """Count the queries without a number that should have one."""
    missing = np.isnan(values) & mask
    if meaningless is not None:
        missing &= ~meaningless[members]
    return int(np.count_nonzero(missing))


def _mean_of_finite(values: FloatArray) -> FloatArray:
    """Mean over queries of (M, Q) numbers without the NaNs; NaN where nothing is left."""
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: FloatArray = np.where(there, values, 0.0).sum(axis=1) / there.sum(axis=1)
    return mean


def _skill(estimates: Mapping[tuple[str, str], Estimate], metric: str, name: str) -> float | None:
    floor, ceiling = (estimates.get((metric, other)) for other in ("oracle", "no_change"))
    if metric not in ("mmd", "wasserstein", "energy_distance") or not floor or not ceiling:
        return None
    if ceiling.mean == floor.mean:
        return None
    return (estimates[metric, name].mean - floor.mean) / (ceiling.mean - floor.mean)


def _metrics(scores: Mapping[str, Scores]) -> list[str]:
    """Every metric that someone has, in the order of `Scores`."""
    return list(dict.fromkeys(metric for s in scores.values() for metric in s.metrics()))


def _parts(scores: Scores) -> Iterator[tuple[str, BoolArray]]:
    yield "all", np.ones(scores.mmd.shape, dtype=bool)
    if scores.has_effect is not None:
        yield "effect", scores.has_effect
        yield "no effect", ~scores.has_effect


def _groups(
    scores: Scores, group_by: npt.ArrayLike | str | None
) -> Iterator[tuple[str | None, IntArray]]:
    models = len(scores.mmd)
    yield None, np.arange(models)
    if group_by is None:
        return
    if isinstance(group_by, str) and group_by not in scores.labels:
        raise InputError(f'no label "{group_by}"; the batch has {sorted(scores.labels)}')
    labels: npt.NDArray[Any] = np.asarray(
        scores.labels[group_by] if isinstance(group_by, str) else group_by
    )
    if labels.shape != (models,):
        raise InputError(f"group_by has shape {labels.shape}; give one label for each of {models}")
    for label in np.unique(labels):
        yield str(label), np.flatnonzero(labels == label)


def _check(
    scores: Mapping[str, Scores], versus: str | None, level: float, n_bootstrap: int
) -> None:
    if not scores:
        raise InputError("there are no scores; give at least one name")
    shapes = {name: (s.mmd.shape, s.scale) for name, s in scores.items()}
    if len(set(shapes.values())) > 1:
        raise InputError(f"the scores are not of one batch and scale: {shapes}")
    if versus is not None and versus not in scores:
        raise InputError(f'no scores named "{versus}"; there are {list(scores)}')
    if not 0.0 < level < 1.0 or n_bootstrap < 1:
        raise InputError("give 0 < level < 1 and n_bootstrap >= 1")
