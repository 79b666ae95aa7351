"""CausalBatch: data of many causal models, with the truth and where they came from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.errors import InputError
from activa_sim.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    BoolArray = NDArray[np.bool_]

PROVENANCE = ("config", "seed", "split", "version")
LABEL = "label:"  # prefix of the labels' names in a file


@dataclass(frozen=True, eq=False)
class CausalBatch:
    """Observational and interventional samples of M causal models with d variables.

    Parameters
    ----------
    obs : ndarray of float32, shape (M, N, d)
        Observational samples.
    interv : ndarray of float32, shape (M, Q, N, d)
        Samples under each of Q queries.
    targets : ndarray of bool, shape (M, Q, d)
        Variables that a query sets.
    values : ndarray of float32, shape (M, Q, d)
        Values that they are set to, NaN where not a target.
    graphs : ndarray of bool, shape (M, d, d), optional
        graphs[m, i, j] says i -> j.
    labels : mapping of ndarrays of str, shape (M,)
        Names of a model's parts, to break results down by.
    interv_replicate : ndarray of float32, shape (M, Q, N, d), optional
        A second, independent interventional sample.
    index : ndarray of int, shape (M,), optional
        The models' numbers within (config, seed, split).
    config, seed, split, version
        What drew the batch, sufficient to draw it again.

    Notes
    -----
    `batch[3]`, `batch[2:5]` and `batch[[0, 4]]` choose models and keep the model axis;
    `len(batch)` is M; two batches are equal if all they hold is, bit for bit.
    """

    obs: FloatArray
    interv: FloatArray
    targets: BoolArray
    values: FloatArray
    graphs: BoolArray | None = None
    labels: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    interv_replicate: FloatArray | None = None
    index: NDArray[np.int64] | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    split: str = "train"
    version: str = __version__

    def __len__(self) -> int:
        """Give the number of models."""
        return len(self.obs)

    def __getitem__(self, models: int | slice | Sequence[int] | NDArray[Any]) -> CausalBatch:
        """Choose models; the model axis stays, also for a single one."""
        chosen = np.atleast_1d(np.arange(len(self))[models])
        labels = {name: values[chosen] for name, values in self.labels.items()}
        arrays = {name: array[chosen] for name, array in self._arrays().items()}
        return replace(self, labels=labels, **arrays)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        present = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in present.items() if isinstance(value, np.ndarray)}
