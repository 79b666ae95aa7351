"""What predictors scored on batches of causal models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import BoolArray, FloatArray
from activa_eval.calibration import LEVELS
from activa_eval.errors import InputError

Scale = Literal["data", "standardised"]
SCALES: tuple[Scale, ...] = ("data", "standardised")


@dataclass(frozen=True)
class Scores:
    """What a predictor scored on each query of each model.

    Lower is better, but for `coverage`, `p_value` and `side_probability`.

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
    non_descendant_error: FloatArray | None = None  # (M, Q); None without graphs
    side_probability: FloatArray | None = None  # (M, Q), higher is better
    # metric -> (M, Q): queries for which it has no meaning, where a NaN is no failure
    meaningless: Mapping[str, BoolArray] = field(default_factory=dict)

    def metrics(self) -> dict[str, FloatArray]:
        """Return all (M, Q) arrays that are there, by name; coverage as `coverage_50` and so on."""
        named = {name: getattr(self, name) for name in METRICS}
        if self.coverage is not None:
            for place, level in enumerate(LEVELS):
                named[f"coverage_{100 * level:.0f}"] = self.coverage[..., place]
        return {name: values for name, values in named.items() if values is not None}


METRICS = (
    "mmd",
    "wasserstein",
    "energy_distance",
    "nll",
    "p_value",
    "non_descendant_error",
    "side_probability",
)


def concatenate(parts: Sequence[Scores]) -> Scores:
    """Put the scores of several batches beneath each other.

    Raises
    ------
    InputError
        If there are none, or they differ in scale, metrics, queries or labels.

    Examples
    --------
    >>> import numpy as np
    >>> first, second = (
    ...     Scores(a, a, a, None, None, None, None, {}, "data") for a in np.ones((2, 3, 1)))
    >>> concatenate([first, second]).mmd.shape
    (6, 1)
    """
    if not parts:
        raise InputError("there are no scores to concatenate; give at least one batch's")
    kinds = [_kind(part) for part in parts]
    if any(kind != kinds[0] for kind in kinds):
        raise InputError(
            "the scores differ in scale, metrics, queries or labels; "
            "score all batches with one predictor and the same options"
        )
    joined: dict[str, Any] = {}
    for part in fields(Scores):
        values = [getattr(scores, part.name) for scores in parts]
        if isinstance(values[0], np.ndarray):
            joined[part.name] = np.concatenate(values)
        elif isinstance(values[0], Mapping):
            joined[part.name] = {k: np.concatenate([v[k] for v in values]) for k in values[0]}
    return replace(parts[0], **joined)


def _kind(scores: Scores) -> tuple[object, ...]:
    """What scores must have in common to stand beneath each other."""
    shapes = [(name, values.shape[1:]) for name, values in scores.metrics().items()]
    known = scores.has_effect is None, sorted(scores.labels), sorted(scores.meaningless)
    return scores.scale, shapes, *known
