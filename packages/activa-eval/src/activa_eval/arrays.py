"""NumPy or torch in, the same kind out; every check of samples and weights stands here."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from activa_eval.errors import InputError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]
Rows = npt.NDArray[np.floating[Any]]  # float32 as it came, anything else as float64
Measure = Callable[[Any, Any, FloatArray, FloatArray], FloatArray]

CELLS = 2**18  # entries held at once where something takes one for each pair of rows
SUM_TOLERANCE = 1e-4  # float32 weights add up to one only roughly; they are divided by their sum


@dataclass(frozen=True)
class Pairs:
    """P checked pairs of samples, with weights that sum to one, flattened over the batch axes."""

    x: Rows  # (P, n, d)
    y: Rows  # (P, m, d), of the dtype of x
    a: FloatArray  # (P, n)
    b: FloatArray  # (P, m)
    batch: tuple[int, ...]
    tensor: Any  # the first torch tensor among the inputs, or None

    def scaled(self, *, always: bool = False) -> tuple[Pairs, FloatArray]:
        """Divide the rows of each pair by a power of two if their squares would leave float64.

        Return them with these units (P,), which are 1 for others; or near the spread of all pairs.
        What float32 cannot square is widened where it is squared.
        """
        if self.x.dtype == np.float32 and not always:
            return self, np.ones(len(self.x))
        unit = _unit_of(self.x, self.y, always=always)
        if (unit == 1.0).all():
            return self, unit
        divisor = unit[:, None, None]
        x, y = (np.asarray(part / divisor, dtype=part.dtype) for part in (self.x, self.y))
        return replace(self, x=x, y=y), unit

    def spread(self) -> FloatArray:
        """Return a power of two near the spread of each pair, (P,); 1 where all rows are equal."""
        return _unit_of(self.x, self.y, always=True)

    def finite(self) -> BoolArray:
        """Return which pairs have no entry that is not finite, (P,)."""
        parts = (self.x, self.y, self.a, self.b)
        known = [np.isfinite(p).all(axis=tuple(range(1, p.ndim))) for p in parts]
        return np.asarray(np.logical_and.reduce(known))

    def some(self, where: slice | IntArray) -> Pairs:
        """Return some of the pairs, in a batch of their own."""
        x, y, a, b = self.x[where], self.y[where], self.a[where], self.b[where]
        return replace(self, x=x, y=y, a=a, b=b, batch=(len(x),))

    def blocks(self, cells: int) -> Iterator[tuple[IntArray, Rows, Rows, FloatArray, FloatArray]]:
        """Yield (where, x, y, a, b) of some pairs at a time, where a pair takes so many `cells`.

        Pairs with non-finite entries never appear.
        """
        usable = np.flatnonzero(self.finite())
        size = max(1, CELLS // cells)
        for start in range(0, len(usable), size):
            where = usable[start : start + size]
            some = self.some(where)
            yield where, some.x, some.y, some.a, some.b

    def map(self, measure: Measure, cells: int) -> FloatArray:
        """Return (P,) numbers, of blocks of pairs; NaN for a pair with a non-finite entry."""
        values = np.full(len(self.x), np.nan)
        for where, x, y, a, b in self.blocks(cells):
            values[where] = measure(x, y, a, b)
        return values

    def unflatten(self, values: FloatArray) -> FloatArray:
        """Give (P, ...) numbers the batch shape and the kind (NumPy or torch) of the inputs."""
        return like(self.tensor, values.reshape(self.batch + values.shape[1:]))


def paired(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    least: tuple[int, int] = (1, 1),
) -> Pairs:
    """Check two samples and their weights, and broadcast their leading axes.

    Parameters
    ----------
    x, y : array_like or torch.Tensor, shapes (..., n, d) and (..., m, d)
    a, b : array_like or torch.Tensor, shapes (..., n) and (..., m), optional
        Weights, non-negative with sum one; equal if left out.
    least : pair of int
        How many rows of positive weight x and y need.

    Raises
    ------
    InputError
        If a sample is empty, ragged, not numeric or without columns, if the columns or the batch
        axes do not match, or if weights are negative, do not sum to one or have the wrong length.
    """
    first, second = _one_dtype(to_real(x, "x"), to_real(y, "y"))
    check_samples(first.shape, second.shape)
    left = weights_of(a, first.shape[-2], "a", "x", least[0])
    right = weights_of(b, second.shape[-2], "b", "y", least[1])
    batch = broadcast_batch(first.shape[:-2], second.shape[:-2], left.shape[:-1], right.shape[:-1])
    rows = [_flat(part, batch, part.shape[-2:]) for part in (first, second)]
    return Pairs(
        x=rows[0],
        y=rows[1],
        a=_flat(left, batch, left.shape[-1:]),
        b=_flat(right, batch, right.shape[-1:]),
        batch=batch,
        tensor=first_tensor(x, y, a, b),
    )


def is_tensor(value: object) -> bool:
    """Whether this is a torch tensor; torch is never imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def stays_in_torch(*values: Any) -> bool:
    """Whether a result must carry gradients, or an input lies on another device than the CPU."""
    tensors = [value for value in values if is_tensor(value)]
    return any(t.requires_grad or t.device.type != "cpu" for t in tensors)


def like(tensor: Any, values: FloatArray) -> FloatArray:
    """Return numbers as a tensor on the device of another, or as they are where there is none."""
    if tensor is None:
        return values
    result: FloatArray = sys.modules["torch"].as_tensor(values, device=tensor.device)
    return result


def first_tensor(*values: Any) -> Any:
    """Return the first torch tensor among the values, or None."""
    return next((value for value in values if is_tensor(value)), None)


def to_float(value: Any, name: str) -> FloatArray:
    """Return the argument called `name` as a NumPy float64 array."""
    return to_real(value, name).astype(np.float64, copy=False)


def to_real(value: Any, name: str) -> Rows:
    """Return the argument called `name` as a NumPy array, float32 if it is that, else float64."""
    if is_tensor(value):
        torch = sys.modules["torch"]
        if value.is_complex():
            raise InputError(f"{name} is not an array of real numbers; convert it first")
        kept = torch.float32 if value.dtype == torch.float32 else torch.float64
        value = value.detach().to(device="cpu", dtype=kept).numpy()
    try:
        array = np.asarray(value)
        if array.dtype.kind in "biufO":
            kind = np.float32 if array.dtype == np.float32 else np.float64
            return array.astype(kind, copy=False)
    except (TypeError, ValueError):
        _refuse_ragged(value, name)
    raise InputError(f"{name} is not an array of real numbers; convert it first")


def whole(value: Any, name: str, least: int) -> int:
    """Return the argument called `name` as an int that is not below `least`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise InputError(f"{name} is {value!r}; give a whole number")
    if value < least:
        raise InputError(f"{name} is {value}; give at least {least}")
    return int(value)


def check_samples(x: tuple[int, ...], y: tuple[int, ...]) -> None:
    """Check the shapes of two samples."""
    for name, shape in (("x", x), ("y", y)):
        if len(shape) < 2:
            raise InputError(
                f"{name} has shape {shape}; give (..., rows, columns), (n, 1) for one variable"
            )
        if 0 in shape[-2:]:
            raise InputError(f"{name} has shape {shape}; give at least one row and one column")
    if x[-1] != y[-1]:
        raise InputError(f"x has {x[-1]} columns, y has {y[-1]}; compare the same columns")


def weights_of(
    value: npt.ArrayLike | None, rows: int, name: str, of: str, least: int
) -> FloatArray:
    """Check the weights (..., rows) of a sample and divide them by their sum; equal if None."""
    if value is None:
        if rows < least:
            raise InputError(f"{of} has fewer than {least} rows; give more rows")
        return np.full(rows, 1.0 / rows)
    array = to_float(value, name)
    if array.ndim == 0 or array.shape[-1] != rows:
        raise InputError(f"{name} has shape {array.shape}; give one weight for each row of {of}")
    negative = (array < 0.0).any(axis=-1)
    if negative.any():
        raise InputError(
            f"{name} holds a negative weight{place(negative)}; give weights >= 0 with sum one"
        )
    total = array.sum(axis=-1)
    short = np.abs(total - 1.0) > SUM_TOLERANCE
    if short.any():
        raise InputError(f"{name} does not sum to one{place(short)}; divide it by its sum")
    few = np.isfinite(total) & (np.count_nonzero(array, axis=-1) < least)
    if few.any():
        raise InputError(
            f"{of} has fewer than {least} rows of positive weight{place(few)}; give more rows"
        )
    return np.asarray(array / total[..., None])


def broadcast_batch(*leading: tuple[int, ...]) -> tuple[int, ...]:
    """Return the common leading axes of samples and weights."""
    given = {axes for axes in leading if axes}
    try:
        return given.pop() if len(given) == 1 else np.broadcast_shapes(*given)
    except ValueError:
        raise InputError(
            f"batch axes {list(leading)} do not broadcast; give x and y the same leading axes"
        ) from None


def place(wrong: npt.ArrayLike) -> str:
    """Say which pair is the first wrong one; nothing where there is only one."""
    found = np.argwhere(np.asarray(wrong))
    if found.shape[1] == 0:
        return ""
    index = tuple(map(int, found[0]))
    return f" in pair {index[0] if len(index) == 1 else index}"


def _refuse_ragged(value: Any, name: str) -> None:
    """Say which entry has another shape than the first, if that is what is wrong."""
    if isinstance(value, (list, tuple)) and value:
        try:
            shapes = [np.shape(entry) for entry in value]
        except ValueError:  # ragged within an entry
            for index, entry in enumerate(value):
                _refuse_ragged(entry, f"{name}[{index}]")
            return
        for index, shape in enumerate(shapes):
            if shape != shapes[0]:
                raise InputError(
                    f"{name} is not an array of real numbers: {name}[0] has shape {shapes[0]}, "
                    f"{name}[{index}] {shape}; give all the same shape, or one pair at a time"
                )


def _one_dtype(x: Rows, y: Rows) -> tuple[Rows, Rows]:
    kind = np.result_type(x, y)
    return x.astype(kind, copy=False), y.astype(kind, copy=False)


def _flat(part: Any, batch: tuple[int, ...], own: tuple[int, ...]) -> Any:
    flat = (math.prod(batch), *own)
    return part if part.shape == flat else np.broadcast_to(part, batch + own).reshape(flat)


def _unit_of(x: Rows, y: Rows, *, always: bool) -> FloatArray:
    """Power of two near the spread of each pair where squares could over- or underflow, else 1."""
    spread = np.zeros(len(x))
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows here is looked at below
        for part in (x, y) if len(x) else ():
            gap = (part - x[:, :1]).reshape(len(x), part[0].size)
            spread = np.maximum(spread, np.maximum(gap.max(axis=1), -gap.min(axis=1)))
    endless = np.flatnonzero(np.isinf(spread))
    if len(endless):
        halves = [part[endless].astype(np.float64) / 2.0 for part in (x, y)]
        tops = [np.abs(half - halves[0][:, :1]).max(axis=(1, 2)) for half in halves]
        spread[endless] = np.minimum(np.maximum(*tops), 2.0**1022)  # NaN and inf are no spread
    chosen = (spread > 0.0) & (always | (spread > 2.0**100) | (spread < 2.0**-100))
    exponents: IntArray = np.frexp(np.where(chosen, spread, 0.5))[1]
    return np.ldexp(1.0, np.minimum(exponents, 1023))
