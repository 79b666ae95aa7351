"""Score a predictor on a batch of causal models whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import BoolArray, FloatArray, to_float
from activa_eval.calibration import LEVELS, coverage, nll, pit
from activa_eval.distances import energy_distance, mmd, wasserstein
from activa_eval.errors import InputError
from activa_eval.permutation import energy_test
from activa_eval.predictor import BatchPredictor, CausalBatch, Prediction, Predictor

Scale = Literal["data", "standardised"]


@dataclass(frozen=True)
class Scores:
    """What a predictor scored on each query of each model; lower is better but for coverage.

    An entry is NaN where the pair has non-finite numbers; a whole array is None where the
    predictor does not offer what it needs (no density: no `nll`).
    """

    mmd: FloatArray  # (M, Q)
    wasserstein: FloatArray  # (M, Q)
    energy_distance: FloatArray  # (M, Q)
    nll: FloatArray | None  # (M, Q)
    coverage: FloatArray | None  # (M, Q, levels), the share of rows inside each interval
    p_value: FloatArray | None  # (M, Q) of the energy test
    has_effect: BoolArray | None  # (M, Q): whether the target has a child; None without graphs
    labels: Mapping[str, npt.NDArray[Any]]  # each (M,)
    scale: Scale

    def metrics(self) -> dict[str, FloatArray]:
        """Return all (M, Q) arrays that are there, by name; coverage as `coverage_50` and so on."""
        named = {name: getattr(self, name) for name in METRICS}
        if self.coverage is not None:
            for place, level in enumerate(LEVELS):
                named[f"coverage_{100 * level:.0f}"] = self.coverage[..., place]
        return {name: values for name, values in named.items() if values is not None}


METRICS = ("mmd", "wasserstein", "energy_distance", "nll", "p_value")


def score(
    predictor: Predictor | BatchPredictor,
    batch: CausalBatch,
    *,
    seed: int = 0,
    scale: Scale = "data",
    n_permutations: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Scores:
    """Ask a predictor every query of a batch and compare its answers with the truth.

    Parameters
    ----------
    predictor : callable (obs, targets, values, seed) -> Prediction
        A prediction has `sample(n, seed)` and, where it can, `log_prob(rows)` and `cdf(rows)`. An
        object with a method `predict_from(batch, model, query, seed)` is asked by that instead.
    batch : object with obs, interv, targets, values
        See `CausalBatch`. Predictions are sampled with as many rows as the truth has.
    seed : int
        Draws the predictions; each query of each model has its own stream.
    scale : {"data", "standardised"}
        The units of the data, or each column divided by its standard deviation (ddof = 1) in the
        observations of its model. The predictor always sees the units of the data.
    n_permutations : int
        If positive, also test each prediction against the truth by `energy_test`.
    progress : callable (done, total), optional
        Called after each model.

    Raises
    ------
    InputError
        If the arrays do not fit each other, a query is not of the kind "set", or a prediction does
        not return (n, d) rows.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from activa_eval import no_change
    >>> obs = np.array([[[0.0, 1.0], [1.0, 3.0], [2.0, 2.0]]])
    >>> truth = np.where([True, False], 5.0, obs)[:, None]  # the first variable moves nothing
    >>> batch = SimpleNamespace(
    ...     obs=obs, interv=truth, targets=[[[True, False]]], values=[[[5.0, np.nan]]])
    >>> score(no_change, batch).energy_distance
    array([[0.]])
    """
    truth = _Truth.of(batch)
    models, queries, _, d = truth.interv.shape
    columns = {name: np.full((models, queries), np.nan) for name in METRICS}
    covered = np.full((models, queries, len(LEVELS)), np.nan)
    offers = {"log_prob": True, "cdf": True}
    for model in range(models):
        unit = _unit(truth.obs[model]) if scale == "standardised" else np.ones(d)
        rows = np.full(truth.interv.shape[1:], np.nan)  # (Q, N, d)
        for query in range(queries):
            if not truth.is_finite(model, query):
                continue
            call, draw = np.random.SeedSequence((seed, model, query)).generate_state(2)
            prediction = _ask(predictor, batch, model, query, int(call))
            rows[query] = _draw(prediction, rows.shape[1:], int(draw))
            offers = {name: hasattr(prediction, name) for name in offers}
            targets = truth.targets[model, query]
            if offers["log_prob"]:
                shift = np.log(unit[~targets]).sum()  # of the density, by the change of units
                columns["nll"][model, query] = nll(prediction, truth.interv[model, query]) - shift
            if offers["cdf"]:
                transform = pit(prediction, truth.interv[model, query], targets)
                covered[model, query] = coverage(transform)
        pair = rows / unit, truth.interv[model] / unit
        columns["mmd"][model] = mmd(*pair)
        columns["wasserstein"][model] = wasserstein(*pair)
        columns["energy_distance"][model] = energy_distance(*pair)
        if n_permutations:
            test = energy_test(*pair, n_permutations=n_permutations, seed=seed)
            columns["p_value"][model] = test.p_value
        if progress is not None:
            progress(model + 1, models)
    return Scores(
        mmd=columns["mmd"],
        wasserstein=columns["wasserstein"],
        energy_distance=columns["energy_distance"],
        nll=columns["nll"] if offers["log_prob"] else None,
        coverage=covered if offers["cdf"] else None,
        p_value=columns["p_value"] if n_permutations else None,
        has_effect=truth.has_effect(),
        labels=dict(getattr(batch, "labels", None) or {}),
        scale=scale,
    )


@dataclass(frozen=True)
class _Truth:
    """The arrays of a batch, checked."""

    obs: FloatArray  # (M, N, d)
    interv: FloatArray  # (M, Q, N, d)
    targets: BoolArray  # (M, Q, d)
    values: FloatArray  # (M, Q, d)
    graphs: BoolArray | None  # (M, d, d)

    @classmethod
    def of(cls, batch: CausalBatch) -> _Truth:
        obs, interv = to_float(batch.obs, "obs"), to_float(batch.interv, "interv")
        targets, values = np.asarray(batch.targets), to_float(batch.values, "values")
        if obs.ndim != 3 or interv.ndim != 4:
            raise InputError(
                f"obs has shape {obs.shape}, interv {interv.shape}; give (M, N, d) and (M, Q, N, d)"
            )
        expected = (*interv.shape[:2], obs.shape[2])
        if interv.shape[0] != len(obs) or interv.shape[3] != obs.shape[2]:
            raise InputError(
                f"interv {interv.shape} does not fit obs {obs.shape}; give the same M and d"
            )
        if targets.shape != expected or values.shape != expected or targets.dtype != bool:
            raise InputError(
                f"targets {targets.shape} ({targets.dtype}) and values {values.shape} must be "
                f"boolean and numbers of shape {expected}"
            )
        kind = getattr(batch, "kind", None)
        if kind is not None and (np.asarray(kind) != "set").any():
            raise InputError('only queries of kind "set" can be scored; leave the others out')
        graphs = getattr(batch, "graphs", None)
        return cls(obs, interv, targets, values, None if graphs is None else np.asarray(graphs))

    def is_finite(self, model: int, query: int) -> bool:
        """Whether this pair can be scored at all."""
        return bool(
            np.isfinite(self.obs[model]).all() and np.isfinite(self.interv[model, query]).all()
        )

    def has_effect(self) -> BoolArray | None:
        """Whether a target has a child that is not set as well, (M, Q)."""
        if self.graphs is None:
            return None
        children = (self.targets[..., None] & self.graphs[:, None].astype(bool)).any(axis=2)
        moved: BoolArray = (children & ~self.targets).any(axis=2)
        return moved


def _ask(
    predictor: Predictor | BatchPredictor, batch: CausalBatch, model: int, query: int, seed: int
) -> Prediction:
    if isinstance(predictor, BatchPredictor):
        return predictor.predict_from(batch, model, query, seed)
    obs, targets, values = batch.obs[model], batch.targets[model], batch.values[model]
    return predictor(obs, targets[query], values[query], seed)


def _draw(prediction: Prediction, shape: tuple[int, ...], seed: int) -> FloatArray:
    rows = to_float(prediction.sample(shape[0], seed), "sample(n, seed)")
    if rows.shape != shape:
        raise InputError(f"sample({shape[0]}, seed) has shape {rows.shape}; return {shape}")
    return rows


def _unit(obs: FloatArray) -> FloatArray:
    """Standard deviation of each column of (N, d) rows, 1 for a constant one."""
    if len(obs) < 2 or not np.isfinite(obs).all():
        return np.ones(obs.shape[1])
    return np.where(np.ptp(obs, axis=0) > 0.0, obs.std(axis=0, ddof=1), 1.0)
