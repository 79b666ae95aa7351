"""CausalBatch: data of many causal models, with the truth and where they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.errors import InputError
from activa_sim.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    BoolArray = NDArray[np.bool_]

LABEL = "label:"  # prefix of a label's name in a file


@dataclass(frozen=True)
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
    kind : ndarray of str, shape (M, Q), optional
        What a value means: the variable is "set" to it, "shift"ed by it, drawn at "random"
        around it, or its production is "scale"d by it; "set" everywhere if absent.
    labels : mapping of ndarrays of str, shape (M,)
        Names of a model's parts, to break results down by.
    interv_replicate : ndarray of float32, shape (M, Q, N, d), optional
        A second, independent interventional sample.
    index : ndarray of int, shape (M,), optional
        The models' numbers within (config, seed, split).
    config, seed, split, version
        What drew the batch, sufficient to draw it again.

    Raises
    ------
    InputError
        If shapes or dtypes do not belong together.

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
    kind: NDArray[np.str_] | None = None
    labels: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    interv_replicate: FloatArray | None = None
    index: NDArray[np.int64] | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    split: str = "train"
    version: str = __version__

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        if self.obs.ndim != 3 or self.interv.ndim != 4:
            raise InputError(
                f"obs has shape {self.obs.shape} and interv {self.interv.shape}; "
                "give (M, N, d) and (M, Q, N, d)"
            )
        (M, N, d), Q = self.obs.shape, self.interv.shape[1]
        expected = {
            "obs": (np.float32, (M, N, d)),
            "interv": (np.float32, (M, Q, N, d)),
            "targets": (np.bool_, (M, Q, d)),
            "values": (np.float32, (M, Q, d)),
            "graphs": (np.bool_, (M, d, d)),
            "kind": (np.str_, (M, Q)),
            "interv_replicate": (np.float32, (M, Q, N, d)),
            "index": (np.int64, (M,)),
        }
        for name, array in self.arrays().items():
            dtype, shape = expected[name]
            same_type = array.dtype.kind == "U" if dtype is np.str_ else array.dtype == dtype
            if not same_type or array.shape != shape:
                raise InputError(
                    f"{name} is {array.dtype} {array.shape}; give {dtype.__name__} {shape}"
                )
        for name, label in self.labels.items():
            if label.dtype.kind != "U" or label.shape != (M,):
                raise InputError(f'label "{name}" is {label.dtype} {label.shape}; give str {(M,)}')

    def __len__(self) -> int:
        """Give the number of models."""
        return len(self.obs)

    def __getitem__(self, models: int | slice | Sequence[int] | NDArray[Any]) -> CausalBatch:
        """Choose models; the model axis stays, also for a single one."""
        chosen = np.atleast_1d(np.arange(len(self))[models])
        labels = {name: label[chosen] for name, label in self.labels.items()}
        arrays: dict[str, Any] = {name: a[chosen] for name, a in self.arrays().items()}
        return replace(self, labels=labels, **arrays)

    def __iter__(self) -> Iterator[CausalBatch]:
        """Give the models one by one."""
        return (self[model] for model in range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Compare bit for bit, so that NaN equals NaN."""
        if not isinstance(other, CausalBatch):
            return NotImplemented
        mine, theirs = self.arrays(), other.arrays()
        return (
            mine.keys() == theirs.keys()
            and self.provenance() == other.provenance()
            and all(a.shape == theirs[k].shape for k, a in mine.items())
            and all(a.tobytes() == theirs[k].tobytes() for k, a in mine.items())
            and self.labels.keys() == other.labels.keys()
            and all(np.array_equal(label, other.labels[k]) for k, label in self.labels.items())
        )

    def __hash__(self) -> int:
        """Agree with equality; equal batches have these in common."""
        return hash((self.seed, self.split, self.obs.shape))

    def arrays(self) -> dict[str, Any]:
        """Give the arrays that are present, by name, without the labels."""
        present = ((f.name, getattr(self, f.name)) for f in fields(self))
        return {name: value for name, value in present if isinstance(value, np.ndarray)}

    def provenance(self) -> dict[str, Any]:
        """Give config, seed, split and version."""
        return {name: getattr(self, name) for name in ("config", "seed", "split", "version")}

    def save(self, path: str | Path) -> None:
        """Write an .npz file, whole or not at all.

        Raises
        ------
        InputError
            If the file cannot be written; what stood there before is left as it was.
        """
        labels = {LABEL + name: label for name, label in self.labels.items()}
        from activa_sim import archive  # zipfile and what it needs take time

        archive.write(path, {**self.arrays(), **labels}, self.provenance())

    @classmethod
    def load(cls, path: str | Path) -> CausalBatch:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If there is no such file, or if it is truncated or holds something else.
        """
        from activa_sim import archive

        arrays, provenance = archive.read(path)
        labels = {k.removeprefix(LABEL): arrays.pop(k) for k in [*arrays] if k.startswith(LABEL)}
        try:
            return cls(labels=labels, **arrays, **provenance)
        except (TypeError, InputError) as error:
            raise InputError(f"{path} holds no batch ({error}); write one with save") from error

    def to_pandas(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Give all rows as one table; see `activa_sim.tables.to_pandas`, needs pandas."""
        from activa_sim.tables import to_pandas

        return to_pandas(self, names)

    @classmethod
    def concat(cls, batches: Sequence[CausalBatch]) -> CausalBatch:
        """Join batches of one simulator, seed and split along the model axis.

        Raises
        ------
        InputError
            If there are none, or if they differ in provenance, shape or what they hold.
        """
        if not batches:
            raise InputError("there is no batch to join; give at least one")
        first = batches[0]
        for batch in batches:
            same = batch.provenance() == first.provenance()
            if not (same and _held(batch) == _held(first)):
                raise InputError(
                    "the batches differ in config, seed, split, version, shapes or optional "
                    "arrays; join those of one simulator, asked for the same"
                )
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(b, name) for b in batches]) for name in first.arrays()
        }
        labels = {k: np.concatenate([b.labels[k] for b in batches]) for k in first.labels}
        return cls(labels=labels, **arrays, **first.provenance())


def _held(batch: CausalBatch) -> dict[str, tuple[int, ...]]:
    """Shapes of one model's arrays and names of its labels."""
    return {name: a.shape[1:] for name, a in [*batch.arrays().items(), *batch.labels.items()]}
