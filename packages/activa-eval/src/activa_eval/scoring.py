"""Score a predictor on a batch of causal models whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from activa_eval.arrays import BoolArray, FloatArray, to_float
from activa_eval.calibration import LEVELS, coverage, nll, pit
from activa_eval.causal import descendants, non_descendant_error, side_probability
from activa_eval.distances import energy_distance, mmd
from activa_eval.errors import InputError
from activa_eval.permutation import energy_test
from activa_eval.predictor import BatchPredictor, CausalBatch, Prediction, Predictor
from activa_eval.scores import METRICS, SCALES, Scale, Scores
from activa_eval.transport import wasserstein
from activa_eval.truth import Truth


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
    return score_scales(
        predictor,
        batch,
        seed=seed,
        scales=(scale,),
        n_permutations=n_permutations,
        progress=progress,
    )[scale]


def score_scales(
    predictor: Predictor | BatchPredictor,
    batch: CausalBatch,
    *,
    seed: int = 0,
    scales: Sequence[Scale] = SCALES,
    n_permutations: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[Scale, Scores]:
    """Score one set of predictions on several scales, which costs little more than on one.

    Parameters
    ----------
    scales : sequence of {"data", "standardised"}
    predictor, batch, seed, n_permutations, progress
        As for `score`.

    Returns
    -------
    dict of scale to Scores
        Each as `score` returns it for that scale, from the same draws.

    Raises
    ------
    InputError
        As for `score`.
    """
    truth = Truth.of(batch)
    models, queries, _, d = truth.interv.shape
    columns: dict[Scale, dict[str, FloatArray]] = {
        scale: {name: np.full((models, queries), np.nan) for name in METRICS} for scale in scales
    }
    covered = np.full((models, queries, len(LEVELS)), np.nan)
    offers = {"log_prob": True, "cdf": True}
    for model in range(models):
        unit: dict[Scale, FloatArray] = {
            scale: np.ones(d) if scale == "data" else _unit(truth.obs[model]) for scale in scales
        }
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
                density = nll(prediction, truth.interv[model, query])
                for scale in scales:  # the change of units shifts its logarithm
                    shift = np.log(unit[scale][~targets]).sum()
                    columns[scale]["nll"][model, query] = density - shift
            if offers["cdf"]:
                transform = pit(prediction, truth.interv[model, query], targets)
                covered[model, query] = coverage(transform)
        for scale in scales:
            pair = rows / unit[scale], truth.interv[model] / unit[scale]
            found = columns[scale]
            found["mmd"][model] = mmd(*pair)
            found["wasserstein"][model] = wasserstein(*pair)
            found["energy_distance"][model] = energy_distance(*pair)
            graph = None if truth.graphs is None else truth.graphs[model]
            targets, obs = truth.targets[model], truth.obs[model] / unit[scale]
            side = side_probability(*pair, obs, targets, graphs=graph)
            found["side_probability"][model] = side
            if graph is not None:
                error = non_descendant_error(*pair, targets, graph)
                found["non_descendant_error"][model] = error
            if n_permutations:
                test = energy_test(*pair, n_permutations=n_permutations, seed=seed)
                found["p_value"][model] = test.p_value
        if progress is not None:
            progress(model + 1, models)
    meaningless = _meaningless(truth)
    return {
        scale: Scores(
            mmd=found["mmd"],
            wasserstein=found["wasserstein"],
            energy_distance=found["energy_distance"],
            nll=found["nll"] if offers["log_prob"] else None,
            coverage=covered if offers["cdf"] else None,
            p_value=found["p_value"] if n_permutations else None,
            has_effect=truth.has_effect(),
            labels=dict(getattr(batch, "labels", None) or {}),
            scale=scale,
            side_probability=found["side_probability"],
            non_descendant_error=None if truth.graphs is None else found["non_descendant_error"],
            meaningless=meaningless,
        )
        for scale, found in columns.items()
    }


def _meaningless(truth: Truth) -> dict[str, BoolArray]:
    """Queries in which nothing truly moves, or nothing stays: a metric of that has no number."""
    seen = np.asarray(np.isfinite(truth.obs).all(axis=(1, 2)))
    finite = np.isfinite(truth.interv).all(axis=(2, 3)) & seen[:, None]  # (M, Q)
    obs, graphs = truth.obs[:, None], None if truth.graphs is None else truth.graphs[:, None]
    own = side_probability(truth.interv, truth.interv, obs, truth.targets, graphs=graphs)
    found = {"side_probability": np.isnan(own) & finite}
    if graphs is not None:
        moved = descendants(truth.targets, graphs)
        found["non_descendant_error"] = np.asarray((truth.targets | moved).all(axis=-1))
    return found


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
