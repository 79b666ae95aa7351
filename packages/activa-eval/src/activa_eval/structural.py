"""Linear models along a causal order: read off the variances, or told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import BoolArray, FloatArray, IntArray
from activa_eval.baselines import draw_evenly, query_of
from activa_eval.errors import InputError
from activa_eval.gaussian import Gaussian, centre
from activa_eval.predictor import Prediction

THRESHOLD = 2.3  # of |z|: an edge that could well be chance is left out


def eqvar(
    obs: npt.ArrayLike,
    targets: npt.ArrayLike,
    values: npt.ArrayLike,
    seed: int,  # noqa: ARG001 - the protocol's
) -> LinearModel:
    """Predict from a linear model in the order of smallest conditional variance.

    Right where all noises have the same variance (Chen, Drton & Wang, 2019), as in the paper's
    simulator. Coefficients are least squares along that order, once more without those of
    |z| < 2.3; rows are drawn along it, the target set, with each variable's residuals in a random
    order of their own.

    Parameters and errors as `no_change`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> cause = rng.standard_normal(500)
    >>> obs = np.stack([cause, 2 * cause + rng.standard_normal(500)], axis=1)
    >>> bool(eqvar(obs, [True, False], [5.0, np.nan], 0).sample(500, seed=0)[:, 1].mean() > 9)
    True
    >>> bool(abs(eqvar(obs, [False, True], [np.nan, 5.0], 0).sample(500, seed=0)[:, 0].mean()) < 1)
    True
    """
    rows, target, value = query_of(obs, targets, values)
    order = variance_order(Gaussian.fit(rows).covariance)
    return LinearModel.fit(rows, order, target, value)


class ToldGraph:
    """A linear model along the true graph: what is left to do once the direction is known.

    It reads `graphs` of the batch that is scored: call `score(told_graph, batch)`. Coefficients
    are least squares on the true parents, without pruning; draws as `eqvar`.
    """

    def predict_from(
        self,
        batch: Any,
        model: int,
        query: int,
        seed: int,  # noqa: ARG002 - the protocol's
    ) -> Prediction:
        """Fit the parents' coefficients and set the target."""
        graphs = getattr(batch, "graphs", None)
        if graphs is None:
            raise InputError("told_graph needs batch.graphs; leave it out where nobody knows them")
        question = batch.obs[model], batch.targets[model][query], batch.values[model][query]
        rows, target, value = query_of(*question)
        graph = np.asarray(graphs[model], dtype=bool)
        return LinearModel.fit(rows, topological_order(graph), target, value, parents=graph)


told_graph = ToldGraph()


def topological_order(graph: BoolArray) -> IntArray:
    """Order the variables of an acyclic graph (d, d) so that parents come first."""
    left, order = graph.copy(), list[int]()
    waiting = np.ones(len(graph), dtype=bool)
    while waiting.any():
        roots = np.flatnonzero(waiting & ~left.any(axis=0))
        if not len(roots):
            raise InputError("the graph has a cycle; give an acyclic one")
        order.extend(map(int, roots))
        waiting[roots] = False
        left[roots] = False
    return np.array(order, dtype=np.intp)


def variance_order(covariance: FloatArray) -> IntArray:
    """Order the variables: next comes the one that those before leave the least variance."""
    left = covariance.copy()
    order: list[int] = []
    waiting = np.ones(len(left), dtype=bool)
    while waiting.any():
        chosen = int(np.argmin(np.where(waiting, left.diagonal(), np.inf)))
        order.append(chosen)
        waiting[chosen] = False
        if left[chosen, chosen] > 0.0:
            left = left - np.outer(left[:, chosen], left[chosen]) / left[chosen, chosen]
    return np.array(order, dtype=np.intp)


@dataclass(frozen=True)
class LinearModel:
    """V_j = intercept_j + sum_i weights_ij V_i + noise_j along an order, under a query."""

    order: IntArray  # (d,)
    intercepts: FloatArray  # (d,)
    weights: FloatArray  # (d, d): weights[i, j] for i -> j
    residuals: FloatArray  # (N, d)
    targets: BoolArray  # (d,)
    values: FloatArray  # (d,)

    @classmethod
    def fit(
        cls,
        rows: FloatArray,
        order: IntArray,
        targets: BoolArray,
        values: FloatArray,
        *,
        parents: BoolArray | None = None,
    ) -> LinearModel:
        """Regress each variable on its parents (d, d); else on those before it, and prune."""
        mean, centred = centre(rows)
        weights = np.zeros((len(order), len(order)))
        for place, child in enumerate(order):
            before = order[:place]
            if parents is None:
                kept = before[_significant(centred[:, before], centred[:, child])]
            else:
                kept = np.flatnonzero(parents[:, child])
            weights[kept, child] = np.linalg.pinv(centred[:, kept]) @ centred[:, child]
        return cls(order, mean - mean @ weights, weights, centred - centred @ weights,
                   targets, values)  # fmt: skip

    def sample(self, n: int, seed: int) -> FloatArray:
        """Draw (n, d) rows, parents first."""
        rng = np.random.default_rng(seed)
        drawn = [draw_evenly(len(self.residuals), n, rng) for _ in self.order]
        rows = np.take_along_axis(self.residuals, np.stack(drawn, axis=1), axis=0)  # (n, d)
        for child in self.order:
            if self.targets[child]:
                rows[:, child] = self.values[child]
            else:
                rows[:, child] += self.intercepts[child] + rows @ self.weights[:, child]
        return rows


def _significant(parents: FloatArray, child: FloatArray) -> BoolArray:
    """Whether each coefficient of a least-squares fit of centred columns has |z| >= 2.3."""
    n, p = parents.shape
    precision = np.linalg.pinv(parents.T @ parents, hermitian=True)
    slope = precision @ (parents.T @ child)
    rest = child - parents @ slope
    variance = rest @ rest / max(n - p - 1, 1)
    significant: BoolArray = np.abs(slope) >= THRESHOLD * np.sqrt(variance * precision.diagonal())
    return significant
