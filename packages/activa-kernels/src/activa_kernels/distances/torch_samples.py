"""What the ops on tensors ask of two samples, and the flat batches that they compute on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from activa_kernels.errors import InputError


@dataclass(frozen=True)
class Samples:
    """P checked pairs of samples of one dtype, flattened over the batch axes."""

    x: Tensor  # (P, n, d), float32 or float64
    y: Tensor  # (P, m, d)
    a: Tensor | None  # (P, n), float64; or 1/n each
    b: Tensor | None  # (P, m)
    batch: tuple[int, ...]

    @property
    def n(self) -> int:
        """Number of rows of x."""
        return self.x.shape[1]

    def pooled(self) -> tuple[Tensor, Tensor]:
        """Return the rows of x and then of y, (P, n + m, d), and their weights (P, n + m)."""
        (P, n, _), m = self.x.shape, self.y.shape[1]
        rows = torch.cat([self.x, self.y], dim=1)
        weights = rows.new_full((P, n + m), 1 / m, dtype=torch.float64)
        if n != m:
            weights[:, :n] = 1 / n
        if self.a is not None or self.b is not None:
            left = weights[:, :n] if self.a is None else self.a
            right = weights[:, n:] if self.b is None else self.b
            weights = torch.cat([left, right], dim=1)
        return rows, weights


def samples(
    x: Tensor,
    y: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *more: torch.Size,
) -> Samples:
    """Check two samples and their weights, and broadcast their leading axes and those in `more`.

    Weights are not looked at, which would wait for the device.

    Raises
    ------
    InputError
        If shapes, dtypes or devices do not fit, or a sample is empty.
    """
    for name, sample in (("x", x), ("y", y)):
        if sample.ndim < 2 or 0 in sample.shape[-2:]:
            shape = tuple(sample.shape)
            raise InputError(f"{name} has shape {shape}; give (..., n, d) with n, d >= 1")
        if sample.dtype not in (torch.float32, torch.float64):
            raise InputError(f"{name} is {sample.dtype}; give float32 or float64")
    if x.shape[-1] != y.shape[-1]:
        raise InputError(
            f"x has {x.shape[-1]} columns, y has {y.shape[-1]}; compare the same columns"
        )
    left, right = _weights(a, x, "a"), _weights(b, y, "b")
    for name, tensor in (("y", y), ("a", left), ("b", right)):
        if tensor is not None and tensor.device != x.device:
            raise InputError(f"{name} is on {tensor.device}, x on {x.device}; give one device")
    weighted = [weights.shape[:-1] for weights in (left, right) if weights is not None]
    leading = [x.shape[:-2], y.shape[:-2], *weighted, *more]
    try:
        batch = tuple(torch.broadcast_shapes(*leading))  # type: ignore[no-untyped-call]
    except RuntimeError:
        listed = ", ".join(str(tuple(shape)) for shape in leading)
        raise InputError(
            f"leading axes {listed} do not broadcast; give all arguments the same"
        ) from None
    dtype = torch.promote_types(x.dtype, y.dtype)
    return Samples(
        x=flat(x.to(dtype), batch, 2),
        y=flat(y.to(dtype), batch, 2),
        a=None if left is None else flat(left, batch, 1),
        b=None if right is None else flat(right, batch, 1),
        batch=batch,
    )


def flat(tensor: Tensor, batch: tuple[int, ...], own: int) -> Tensor:
    """Broadcast to the batch axes and make one axis of them; the last `own` axes stay."""
    kept = tensor.shape[tensor.ndim - own :]
    return tensor.expand(*batch, *kept).reshape(math.prod(batch), *kept)


def _weights(weights: Tensor | None, sample: Tensor, name: str) -> Tensor | None:
    if weights is None:
        return None
    size = sample.shape[-2]
    if weights.ndim < 1 or weights.shape[-1] != size:
        shape = tuple(weights.shape)
        raise InputError(f"{name} has shape {shape}; give (..., {size}), one for each row")
    return weights.double()
