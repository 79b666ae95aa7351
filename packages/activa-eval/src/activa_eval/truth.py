"""The arrays of a batch of causal models whose answers are known, checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from activa_eval.arrays import BoolArray, FloatArray, to_float
from activa_eval.errors import InputError
from activa_eval.predictor import CausalBatch


@dataclass(frozen=True)
class Truth:
    """What the scores are measured against."""

    obs: FloatArray  # (M, N, d)
    interv: FloatArray  # (M, Q, N, d)
    targets: BoolArray  # (M, Q, d)
    values: FloatArray  # (M, Q, d)
    graphs: BoolArray | None  # (M, d, d)

    @classmethod
    def of(cls, batch: CausalBatch) -> Truth:
        """Read a batch; InputError where its arrays do not fit each other."""
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
