"""NumPy or torch in, the same kind out; every check of samples and weights stands here."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from activa_eval.errors import InputError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

CELLS = 2**18  # entries of one block of distance matrices: 2 MB, so that it stays in the cache
SUM_TOLERANCE = 1e-4  # float32 weights add up to one only roughly; they are divided by their sum


@dataclass(frozen=True)
class Pairs:
    """P checked pairs of samples, with weights that sum to one, flattened over the batch axes."""

    x: FloatArray  # (P, n, d)
    y: FloatArray  # (P, m, d)
    a: FloatArray  # (P, n)
    b: FloatArray  # (P, m)
    batch: tuple[int, ...]
    tensor: Any  # the first torch tensor among the inputs, or None

    def blocks(self) -> Iterator[tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray]]:
        """Yield (where, x, y, a, b) a block at a time; pairs with non-finite entries never appear."""
        parts = (self.x, self.y, self.a, self.b)
        finite = [np.isfinite(p).all(axis=tuple(range(1, p.ndim))) for p in parts]
        usable = np.flatnonzero(np.logical_and.reduce(finite))
        size = max(1, CELLS // (self.x.shape[1] + self.y.shape[1]) ** 2)
        for start in range(0, len(usable), size):
            where = usable[start : start + size]
            yield where, self.x[where], self.y[where], self.a[where], self.b[where]

    def unflatten(self, values: FloatArray) -> FloatArray:
        """Give (P,) numbers the batch shape and the kind (NumPy or torch) of the inputs."""
        shaped = values.reshape(self.batch)
        if self.tensor is None:
            return shaped
        result: FloatArray = sys.modules["torch"].as_tensor(shaped, device=self.tensor.device)
        return result


def paired(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    least: int = 1,
) -> Pairs:
    """Check two samples and their weights, and broadcast their leading axes.

    Parameters
    ----------
    x, y : array_like or torch.Tensor, shapes (..., n, d) and (..., m, d)
    a, b : array_like or torch.Tensor, shapes (..., n) and (..., m), optional
        Weights, non-negative with sum one; equal if left out.
    least : int
        How many rows of positive weight each sample needs.

    Raises
    ------
    InputError
        If a sample is empty, not numeric or without columns, if the columns or the batch axes do
        not match, or if weights are negative, do not sum to one or have the wrong length.
    """
    first, second = _sample(x, "x"), _sample(y, "y")
    if first.shape[-1] != second.shape[-1]:
        raise InputError(
            f"x has {first.shape[-1]} columns, y has {second.shape[-1]}; compare the same columns"
        )
    weights = _weights(a, first, "a", "x", least), _weights(b, second, "b", "y", least)
    leading = [first.shape[:-2], second.shape[:-2], *(w.shape[:-1] for w in weights)]
    try:
        batch = np.broadcast_shapes(*leading)
    except ValueError:
        raise InputError(
            f"batch axes {leading} do not broadcast; give x and y the same leading axes"
        ) from None
    return Pairs(
        x=_flat(first, batch, first.shape[-2:]),
        y=_flat(second, batch, second.shape[-2:]),
        a=_flat(weights[0], batch, first.shape[-2:-1]),
        b=_flat(weights[1], batch, second.shape[-2:-1]),
        batch=batch,
        tensor=next((value for value in (x, y, a, b) if is_tensor(value)), None),
    )


def is_tensor(value: object) -> bool:
    """Whether this is a torch tensor; torch is never imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def to_float(value: Any, name: str) -> FloatArray:
    """Return the argument called `name` as a NumPy float64 array."""
    if is_tensor(value):
        value = value.detach().to(device="cpu", dtype=sys.modules["torch"].float64).numpy()
    try:
        array = np.asarray(value)
        if array.dtype.kind in "biufO":
            return array.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        pass  # ragged rows, or objects that are not numbers
    raise InputError(f"{name} is not an array of real numbers; convert it first")


def _flat(part: FloatArray, batch: tuple[int, ...], own: tuple[int, ...]) -> FloatArray:
    return np.broadcast_to(part, batch + own).reshape(math.prod(batch), *own)


def _sample(value: npt.ArrayLike, name: str) -> FloatArray:
    array = to_float(value, name)
    if array.ndim < 2:
        raise InputError(
            f"{name} has shape {array.shape}; give (..., rows, columns), (n, 1) for one variable"
        )
    if array.shape[-2] == 0 or array.shape[-1] == 0:
        raise InputError(f"{name} has shape {array.shape}; give at least one row and one column")
    return array


def _weights(
    value: npt.ArrayLike | None, sample: FloatArray, name: str, of: str, least: int
) -> FloatArray:
    rows = sample.shape[-2]
    array = np.full(rows, 1.0 / rows) if value is None else to_float(value, name)
    if array.ndim == 0 or array.shape[-1] != rows:
        raise InputError(f"{name} has shape {array.shape}; give one weight for each row of {of}")
    if (array < 0.0).any():
        raise InputError(f"{name} holds a negative weight; give weights >= 0 with sum one")
    total = array.sum(axis=-1, keepdims=True)
    if (np.abs(total - 1.0) > SUM_TOLERANCE).any():
        raise InputError(f"{name} does not sum to one; divide it by its sum")
    known = np.isfinite(total[..., 0])
    if (np.count_nonzero(array, axis=-1)[known] < least).any():
        raise InputError(f"{of} has fewer than {least} rows of positive weight; give more rows")
    return array if value is None else array / total
