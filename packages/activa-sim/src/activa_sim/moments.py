"""Means and covariances of models under queries: by algebra where they are linear, else by rows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.columns import graph_columns, of_queries
from activa_sim.regimes import run_regimes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from activa_sim.affine import Affine
    from activa_sim.noises import Noise
    from activa_sim.regimes import Model, Queries
    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Moments of M models of d variables, observed and under Q queries."""

    mean: FloatArray  # (M, d)
    covariance: FloatArray  # (M, d, d)
    interv_mean: FloatArray  # (M, Q, d)
    interv_covariance: FloatArray  # (M, Q, d, d)

    def by_column(self, places: NDArray[np.intp], order: NDArray[np.intp]) -> Moments:
        """Bring moments by causal number into the order of columns (M, d) and queries (M, Q)."""
        models = np.arange(len(places))[:, None, None, None]
        rows, columns = places[:, None, :, None], places[:, None, None, :]
        return Moments(
            np.take_along_axis(self.mean, places, axis=1),
            graph_columns(self.covariance, places),
            of_queries(self.interv_mean, places, order),
            self.interv_covariance[models, order[:, :, None, None], rows, columns],
        )

    @classmethod
    def concat(cls, parts: Sequence[Moments]) -> Moments:
        """Join along the model axis."""
        names = [f.name for f in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def linear_moments(affine: Affine, noise: Noise, queries: Queries) -> Moments:
    """Solve V = B^T V + a + eps, where queries with known values change B, a or the law of eps."""
    values = queries.values
    assert values is not None, "linear moments are those at known values"
    mean = affine.offsets + affine.scales * noise.mean  # (M, d)
    variance = affine.scales**2 * noise.variance
    Q = values.shape[1]
    weights = np.repeat(affine.weights[:, None], Q, axis=1)  # (M, Q, d, d)
    means, variances = (np.repeat(a[:, None], Q, axis=1) for a in (mean, variance))  # (M, Q, d)
    for number, law in enumerate(queries.query.laws):
        targets = queries.targets & (queries.law == number)[..., None]  # (M, Q, d)
        if law.kind == "shift":
            means = np.where(targets, means + values, means)
        else:
            means = np.where(targets, values, means)
            variances = np.where(targets, law.variance, variances)
            weights = np.where(targets[:, :, None, :], 0.0, weights)
    return Moments(*_solved(affine.weights, mean, variance), *_solved(weights, means, variances))


def _solved(
    weights: FloatArray, mean: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """With T = (I - B)^-1: T^T E[eps] and T^T Var[eps] T, of weights (..., d, d)."""
    total = np.linalg.inv(np.eye(weights.shape[-1]) - weights)
    transposed = total.swapaxes(-1, -2)
    return (transposed @ mean[..., None])[..., 0], transposed * variance[..., None, :] @ total


def estimated_moments(model: Model, queries: Queries, streams: Streams, rows: int) -> Moments:
    """Average rows of their own of one model, (M = 1), the same noise in all regimes."""
    run = run_regimes(model, queries, streams, rows, coupled=True, branch=2)
    observed = run.observed[0]  # (d, N)
    answers = run.under_queries[0][0].swapaxes(0, 1)  # (Q, d, N)
    return Moments(
        observed.mean(axis=-1)[None],
        np.cov(observed).reshape(1, len(observed), len(observed)),
        answers.mean(axis=-1)[None],
        np.stack([np.cov(answer).reshape(len(answer), -1) for answer in answers])[None],
    )
