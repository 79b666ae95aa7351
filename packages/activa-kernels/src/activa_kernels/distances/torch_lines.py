"""Optimal transport on lines for tensors, with gradients: what sliced distances are made of."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from activa_kernels.backend import choose, constant
from activa_kernels.distances.torch_reference import matched_on_lines, transport_on_lines
from activa_kernels.errors import InputError

UNIT = 2.0**52  # of masses, which are added up as whole numbers: the same in any order


def line_costs(
    x: Tensor, y: Tensor, a: Tensor | None = None, b: Tensor | None = None, *, p: float = 1.0
) -> Tensor:
    """W_p^p of points on each of K lines, the same masses on all of them.

    Parameters
    ----------
    x, y : Tensor, shapes (P, K, n) and (P, K, m)
        Points, float32 or float64, in any order.
    a, b : Tensor, shapes (P, n) and (P, m), optional
        Masses, not negative, of sum one; 1/n and 1/m where both are left out.
    p : float
        At least 1.

    Returns
    -------
    Tensor of float64, shape (P, K)
        Differentiable once in the points and in the masses. NaN for a line with a NaN.

    Raises
    ------
    InputError
        If shapes or dtypes do not fit, or p < 1.

    Examples
    --------
    >>> import torch
    >>> line_costs(torch.tensor([[[0.0, 4.0]]]), torch.tensor([[[5.0, 2.0]]]), p=2.0)
    tensor([[2.5000]], dtype=torch.float64)
    """
    _check(x, y, a, b, p)
    (x, by_x), (y, by_y) = x.sort(dim=-1), y.sort(dim=-1)
    n, m = x.shape[-1], y.shape[-1]
    masses = [w for w in (a, b) if w is not None]
    fixed = not any(w.requires_grad for w in masses)
    dtype = str(torch.promote_types(x.dtype, y.dtype)).removeprefix("torch.")
    chosen = _implementation(x.device.type, dtype)
    matched = n == m and not masses
    if not fixed or chosen != "triton":  # no kernel has gradients of masses
        if matched:
            return matched_on_lines(x.double(), y.double(), p)
        a = x.new_full((1, n), 1 / n, dtype=torch.float64) if a is None else a
        b = x.new_full((1, m), 1 / m, dtype=torch.float64) if b is None else b
        left, right = (_sorted_masses(w, by) for w, by in ((a, by_x), (b, by_y)))
        return transport_on_lines(x.double(), y.double(), left, right, p)
    ends = [None, None] if matched else [_ends(a, by_x), _ends(b, by_y)]
    costs: Tensor = _costs(x.flatten(0, 1), y.flatten(0, 1), ends[0], ends[1], float(p))
    return costs.reshape(x.shape[:2])


def _check(x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None, p: float) -> None:
    if x.ndim != 3 or y.ndim != 3 or x.shape[:2] != y.shape[:2] or 0 in (*x.shape, *y.shape):
        raise InputError(
            f"x has shape {tuple(x.shape)}, y {tuple(y.shape)}; give (P, K, n) and (P, K, m)"
        )
    for name, tensor in (("x", x), ("y", y)):
        if tensor.dtype not in (torch.float32, torch.float64):
            raise InputError(f"{name} is {tensor.dtype}; give float32 or float64")
    if (a is None) != (b is None):
        raise InputError("only one of a and b is given; give both or none")
    for name, weights, points in (("a", a, x), ("b", b, y)):
        if weights is not None and weights.shape != (len(points), points.shape[2]):
            shape = len(points), points.shape[2]
            raise InputError(f"{name} has shape {tuple(weights.shape)}; give {shape}")
    if not p >= 1:
        raise InputError(f"p is {p}; give an order of at least 1")


def _sorted_masses(masses: Tensor, order: Tensor) -> Tensor:
    """(P, n) or (1, n) -> (P, K, n)."""
    return masses.double()[:, None].expand(order.shape).gather(-1, order)


def _ends(masses: Tensor | None, order: Tensor) -> Tensor:
    """Cumulative masses, (P K, n) or where they are equal (1, n); the last is one."""
    if masses is None:
        n = order.shape[-1]
        steps = torch.arange(1, n + 1, dtype=torch.float64, device=order.device)
        return (steps / n)[None]
    whole = (_sorted_masses(masses, order).flatten(0, 1) * UNIT).round().long().cumsum(dim=-1)
    return whole.double() / whole[:, -1:]


@constant  # it reads the environment, which a graph cannot hold
def _implementation(device: str, dtype: str) -> str:
    return choose("distances", device, dtype).implementation


@torch.library.custom_op("activa::line_costs", mutates_args=())
def _costs(x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None, p: float) -> Tensor:
    from activa_kernels.distances import triton_lines  # loaded only where Triton is used

    return triton_lines.costs(x.contiguous(), y.contiguous(), a, b, p)


@torch.library.custom_op("activa::line_costs_backward", mutates_args=())
def _backward(
    grad: Tensor, x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None, p: float
) -> tuple[Tensor, Tensor]:
    from activa_kernels.distances import triton_lines

    return triton_lines.gradients(grad.contiguous(), x.contiguous(), y.contiguous(), a, b, p)


@_costs.register_fake
def _(x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None, p: float) -> Tensor:
    return x.new_empty(x.shape[:1], dtype=torch.float64)


@_backward.register_fake
def _(
    grad: Tensor, x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None, p: float
) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape), y.new_empty(y.shape)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.p = inputs
    ctx.save_for_backward(*tensors)


def _differentiate(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    return (*_backward(grad, *ctx.saved_tensors, ctx.p), None, None, None)


_costs.register_autograd(_differentiate, setup_context=_save)
