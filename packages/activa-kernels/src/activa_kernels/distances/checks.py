"""What the ops on samples ask of their arguments, and the flat batches that they compute on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_kernels.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Rows = NDArray[np.floating[Any]]  # float32 or float64


@dataclass(frozen=True)
class Samples:
    """P checked pairs of samples of one dtype, flattened over the batch axes."""

    x: Rows  # (P, n, d)
    y: Rows  # (P, m, d)
    a: Array  # (P, n), or (1, n) where all pairs have the same weights
    b: Array  # (P, m), or (1, m)
    batch: tuple[int, ...]


def samples(
    x: ArrayLike,
    y: ArrayLike,
    a: ArrayLike | None = None,
    b: ArrayLike | None = None,
    *more: tuple[int, ...],
) -> Samples:
    """Check two samples and their weights, and broadcast their leading axes and those in `more`.

    Raises
    ------
    InputError
        If shapes do not fit, a sample is empty, or a weight is negative.
    """
    first, second = rows(x, "x"), rows(y, "y")
    if first.shape[-1] != second.shape[-1]:
        raise InputError(
            f"x has {first.shape[-1]} columns, y has {second.shape[-1]}; compare the same columns"
        )
    dtype = np.result_type(first, second)
    left = weights(a, first.shape[-2], "a")
    right = weights(b, second.shape[-2], "b")
    batch = common([first.shape[:-2], second.shape[:-2], left.shape[:-1], right.shape[:-1], *more])
    return Samples(
        x=flat(first.astype(dtype, copy=False), batch, 2),
        y=flat(second.astype(dtype, copy=False), batch, 2),
        a=_shared_or_flat(left, batch),
        b=_shared_or_flat(right, batch),
        batch=batch,
    )


def rows(value: ArrayLike, name: str) -> Rows:
    """Return a sample (..., n, d) as float32 if it is that, else as float64."""
    array = np.asarray(value)
    if array.dtype != np.float32:
        array = array.astype(np.float64, copy=False)
    if array.ndim < 2 or 0 in array.shape[-2:]:
        raise InputError(f"{name} has shape {array.shape}; give (..., n, d) with n, d >= 1")
    return array


def weights(value: ArrayLike | None, size: int, name: str) -> Array:
    """Return weights (..., size), 1/size by default."""
    if value is None:
        return np.full(size, 1 / size)
    array = np.asarray(value, dtype=np.float64)
    if array.ndim < 1 or array.shape[-1] != size:
        raise InputError(f"{name} has shape {array.shape}; give (..., {size}), one for each row")
    once = _shared(array)
    if (once < 0).any():
        raise InputError(f"{name} has a negative weight of {np.nanmin(once)}; give weights >= 0")
    return array


def common(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape that the leading axes broadcast to."""
    given = {shape for shape in shapes if shape}
    try:
        return given.pop() if len(given) == 1 else np.broadcast_shapes(*given)
    except ValueError:
        listed = ", ".join(str(shape) for shape in shapes)
        raise InputError(
            f"leading axes {listed} do not broadcast; give all arguments the same"
        ) from None


def flat(array: Any, batch: tuple[int, ...], own: int) -> Any:
    """Broadcast all but the last `own` axes to `batch` and make them one; contiguous."""
    inner = array.shape[array.ndim - own :]
    if array.shape != batch + inner:
        array = np.broadcast_to(array, batch + inner)
    return np.ascontiguousarray(array).reshape(math.prod(batch), *inner)


def _shared(weights: Array) -> Array:
    """Return the weights (size,) that all batches have, where one array was broadcast to them."""
    leading = weights.ndim - 1
    if leading and weights.size and not any(weights.strides[:leading]):
        once: Array = weights[(0,) * leading]
        return once
    return weights


def _shared_or_flat(weights: Array, batch: tuple[int, ...]) -> Array:
    once = _shared(weights)
    if once.ndim == 1:
        return np.ascontiguousarray(once)[None]
    flattened: Array = flat(weights, batch, 1)
    return flattened
