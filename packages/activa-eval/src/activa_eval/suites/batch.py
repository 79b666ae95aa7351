"""A batch of questions about real data, in the form that `score` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import BoolArray, FloatArray
from activa_eval.scores import Scores


@dataclass(frozen=True)
class KnownEffects:
    """Observations, and rows under each query; `graphs` is None where nobody knows them."""

    obs: FloatArray  # (M, N, d)
    interv: FloatArray  # (M, Q, N, d)
    interv_replicate: FloatArray  # (M, Q, N, d)
    targets: BoolArray  # (M, Q, d)
    values: FloatArray  # (M, Q, d)
    graphs: BoolArray | None  # (M, d, d)
    labels: Mapping[str, npt.NDArray[Any]]  # each (M,)

    @classmethod
    def stack(
        cls, problems: Sequence[Problem], labels: Mapping[str, Sequence[str]] | None = None
    ) -> KnownEffects:
        """Put M problems of one size beneath each other."""
        graphs = [problem.graph for problem in problems if problem.graph is not None]
        return cls(
            obs=np.stack([problem.obs for problem in problems]),
            interv=np.stack([problem.interv for problem in problems]),
            interv_replicate=np.stack([problem.interv_replicate for problem in problems]),
            targets=np.stack([~np.isnan(problem.values) for problem in problems]),
            values=np.stack([problem.values for problem in problems]),
            graphs=np.stack(graphs) if graphs else None,
            labels={name: np.asarray(values) for name, values in (labels or {}).items()},
        )


@dataclass(frozen=True)
class Problem:
    """One data set with its Q queries; both samples of the truth have the targets set."""

    obs: FloatArray  # (N, d)
    interv: FloatArray  # (Q, N, d)
    interv_replicate: FloatArray  # (Q, N, d)
    values: FloatArray  # (Q, d), NaN where not a target
    graph: BoolArray | None  # (d, d)


def beside(repetitions: Sequence[Scores]) -> Scores:
    """Take repetitions of the same models for further queries of them.

    The models stay the independent units: their means run over the repetitions, too.
    """
    joined: dict[str, Any] = {}
    for field in fields(Scores):
        parts = [getattr(scores, field.name) for scores in repetitions]
        if isinstance(parts[0], np.ndarray):
            joined[field.name] = np.concatenate(parts, axis=1)  # (M, repetitions * Q)
        elif field.name == "meaningless":
            joined[field.name] = {
                metric: np.concatenate([part[metric] for part in parts], axis=1)
                for metric in parts[0]
            }
    return replace(repetitions[0], **joined)
