"""One pass through the variables of a model, in all of its regimes at once.

Regime 0 calibrates the mechanisms, 1 is the observation, 2 ... Q + 1 are the queries, and then
come their second samples. Each has noise of its own, unless the regimes are coupled: then the
queries have the observation's, and their second samples share that of the first among them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.levels import Scale
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.mechanisms import Mechanism
    from activa_sim.noises import Noise
    from activa_sim.queries import QueryLaw
    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

CALIBRATION, OBSERVED = 0, 1
MAX_REGIMES = 1 << 16  # what the counters of the random numbers have room for


@dataclass(frozen=True)
class Model:
    """M causal models of d causally numbered variables, their parameters drawn."""

    graphs: BoolArray  # (M, d, d)
    mechanism: Mechanism
    noise: Noise
    levels: NDArray[np.intp] | None = None  # (M, d), 0 where a variable is continuous
    calibration: int = 0  # rows that the levels need


@dataclass(frozen=True)
class Queries:
    """What each query does: its targets (M, Q, d), and the law (M, Q) by place in the query's."""

    query: QueryLaw
    targets: BoolArray
    law: NDArray[np.intp]
    one_each: bool = False  # query q has one target, and no variable has two queries
    values: FloatArray | None = None  # (M, Q, d), where they are known already

    def of_models(self, models: slice) -> Queries:
        """Choose models."""
        values = None if self.values is None else self.values[models]
        return replace(self, targets=self.targets[models], law=self.law[models], values=values)


@dataclass(frozen=True)
class Run:
    """Rows of M models whose d variables are numbered causally."""

    observed: FloatArray  # (M, d, N)
    values: FloatArray  # (M, Q, d), NaN where not a target
    under_queries: list[FloatArray]  # (M, d, Q, N), once a sample


def run_regimes(
    model: Model,
    queries: Queries,
    streams: Streams,
    n: int,
    *,
    samples: int = 1,
    coupled: bool = False,
    branch: int = 0,
) -> Run:
    """Draw n rows in each regime, and as many samples of every query.

    Another branch (2) gives rows that are independent of these, of the same models.
    """
    Q, d = queries.targets.shape[1:]
    regimes = range(OBSERVED, OBSERVED + 1 + samples * Q)
    rows_at = streams.branch(branch)
    at_jitter = rows_at.at(Site.JITTER, range(d), regimes)
    at_query = streams.at(Site.QUERY, range(d), range(1 if queries.one_each else Q))
    eps = _noise(model.noise, rows_at.at(Site.NOISE, range(d), regimes), n, Q if coupled else 0)
    extra = max(model.mechanism.calibration, model.calibration)
    if extra:
        at_calibration = streams.at(Site.NOISE, range(d), range(CALIBRATION, OBSERVED))
        eps = np.concatenate([model.noise.sample(at_calibration, extra)[:, :, 0], eps], axis=-1)
    x = np.empty_like(eps)  # (M, d, extra + R N)
    rows = x[:, :, extra:].reshape(*at_jitter.shape, n)  # a view: (M, d, R, N)
    values = np.full(queries.targets.shape, np.nan) if queries.values is None else queries.values
    for j in range(d):
        x[:, j] = model.mechanism.child(j, x, eps[:, j])
        scale = None if model.levels is None else Scale.of(model.levels[:, j], x[:, j, :extra])
        x[:, j] = x[:, j] if scale is None else scale.cut(x[:, j])
        for number, law in enumerate(queries.query.laws):
            models, q = np.nonzero(queries.targets[:, :, j] & (queries.law == number))
            if not models.size:
                continue
            if queries.values is None:
                draw_at = at_query[models, j, 0 if queries.one_each else q]
                drawn = law.values(draw_at, rows[models, j, 0])
                # amounts of a shift and means of a law are no values of the variable
                settable = scale if law.kind == "set" else None
                values[models, q, j] = _cut(settable, models, drawn[:, None])[:, 0]
            for regime in (1 + q + sample * Q for sample in range(samples)):
                natural = rows[models, j, regime]
                done = law.rows(at_jitter[models, j, regime], values[models, q, j], natural)
                rows[models, j, regime] = _cut(scale, models, done)
    return Run(rows[:, :, 0], values, np.split(rows[:, :, 1:], samples, axis=2))


def _noise(noise: Noise, at: Streams, n: int, shared_by: int) -> FloatArray:
    """Draw n numbers a regime, streams (M, d, R) give (M, d, R n); or share them among queries."""
    if not shared_by:
        return noise.sample(at, n).reshape(*at.shape[:2], -1)
    regimes = at.shape[2]
    first = np.arange(regimes)
    first = np.where(first <= shared_by, 0, 1 + (first - 1) // shared_by * shared_by)
    used, place = np.unique(first, return_inverse=True)
    return noise.sample(at[:, :, used], n)[:, :, place].reshape(*at.shape[:2], -1)


def _cut(scale: Scale | None, models: NDArray[np.intp], rows: FloatArray) -> FloatArray:
    """Bring rows (K, N) of these models to the levels of their variable, if it has any."""
    if scale is None:
        return rows
    return Scale(scale.edges[models], scale.values[models], scale.discrete[models]).cut(rows)
