"""The public door of the transformer block: checks once, then dispatches by device and dtype."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from activa_kernels.alternating_attention import native, reference
from activa_kernels.alternating_attention.checks import check, name
from activa_kernels.alternating_attention.dropout import WHOLE, threshold
from activa_kernels.alternating_attention.reference import Axis, BlockWeights, Precision
from activa_kernels.backend import choose


def alternating_attention(
    x: Tensor,
    weights: BlockWeights,
    *,
    axis: Axis,
    heads: int,
    precision: Precision | None = None,
    dropout: float = 0.0,
    key: Tensor | None = None,
    layer: int = 0,
    n_obs: Tensor | None = None,
    n_vars: Tensor | None = None,
) -> Tensor:
    """Apply one pre-norm transformer block to a batch of tables (arXiv 2503.01290, Sec. 4.1).

    y = x + dropout(projection(attend(norm(x)))), out = y + dropout(feed_forward(norm(y))), where
    each (n, j) is a token of width e.

    Parameters
    ----------
    x : Tensor, shape (B, N, d, e)
        Float32 or float64, as the weights.
    weights : BlockWeights
    axis : {"samples", "variables"}
        What a token attends to: the N samples of its variable, or the d variables of its sample.
    heads : int
        Attention heads; a divisor of e.
    precision : {"float32", "bfloat16"}, optional
        Of the inputs of matrix products, sums being float32; None is x's own.
    dropout : float
        Probability of dropping an element, rounded to a multiple of 1 / 65536.
    key : Tensor, shape (2,), int64, optional
        Seed and step, on x's device; needed for dropout. The same key drops the same elements in
        every implementation.
    layer : int
        Number of the block in its network, 0 to 2^32 - 1: it drops its own elements.
    n_obs, n_vars : Tensor, shape (B,), int64, optional
        Leading samples and variables of each item that are real. The others are padding: never
        read, zero in the output, without a gradient.

    Returns
    -------
    Tensor, shape (B, N, d, e)
        Of x's dtype; differentiable once in x and in the weights.

    Raises
    ------
    InputError
        If shapes, dtypes, devices or options do not fit.

    Examples
    --------
    >>> import torch
    >>> e, h = 4, 8
    >>> shapes = [(e,), (e,), (3 * e, e), (3 * e,), (e, e), (e,), (e,), (e,), (h, e), (h,), (e, h), (e,)]
    >>> weights = BlockWeights(*(torch.zeros(shape) for shape in shapes))
    >>> x = torch.ones(1, 2, 3, e)
    >>> bool((alternating_attention(x, weights, axis="samples", heads=2) == x).all())
    True
    """
    check(x, weights, axis, heads, precision, dropout, key, layer, n_obs, n_vars)
    drop = threshold(dropout)
    implementation = _implementation(x.device.type, name(x.dtype))
    if implementation == "reference":
        return reference.alternating_attention(
            x,
            weights,
            axis=axis,
            heads=heads,
            precision=precision,
            dropout=drop / WHOLE,
            key=key,
            layer=layer,
            n_obs=n_obs,
            n_vars=n_vars,
        )
    differentiable = torch.is_grad_enabled() and any(t.requires_grad for t in (x, *weights))
    out: Tensor = _forward(
        x,
        list(weights),
        key if drop else None,
        n_obs,
        n_vars,
        axis,
        heads,
        precision or name(x.dtype),
        drop / WHOLE,
        layer,
        differentiable,
        implementation,
    )[0]
    return out


@torch.compiler.assume_constant_result  # it reads the environment, which a graph cannot hold
def _implementation(device: str, dtype: str) -> str:
    return choose("alternating_attention", device, dtype).implementation


@torch.library.custom_op("activa::alternating_attention", mutates_args=())
def _forward(
    x: Tensor,
    weights: Sequence[Tensor],
    key: Tensor | None,
    n_obs: Tensor | None,
    n_vars: Tensor | None,
    axis: str,
    heads: int,
    precision: str,
    dropout: float,
    layer: int,
    save: bool,
    implementation: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """Output, and for the way back middle and workspace (empty unless `save`)."""
    results: tuple[Tensor, Tensor, Tensor] = _module(implementation).forward(
        x.contiguous(),
        [w.contiguous() for w in weights],
        axis=axis,
        heads=heads,
        precision=precision,
        dropout=dropout,
        key=key,
        layer=layer,
        n_obs=n_obs,
        n_vars=n_vars,
        save=save,
    )
    return results


@torch.library.custom_op("activa::alternating_attention_backward", mutates_args=())
def _backward(
    grad_out: Tensor,
    x: Tensor,
    middle: Tensor,
    workspace: Tensor,
    weights: Sequence[Tensor],
    key: Tensor | None,
    n_obs: Tensor | None,
    n_vars: Tensor | None,
    axis: str,
    heads: int,
    precision: str,
    dropout: float,
    layer: int,
    implementation: str,
) -> list[Tensor]:
    """Gradients of x and of the twelve weights."""
    grad_x, gradients = _module(implementation).backward(
        grad_out.contiguous(),
        x.contiguous(),
        middle,
        workspace,
        [w.contiguous() for w in weights],
        axis=axis,
        heads=heads,
        precision=precision,
        dropout=dropout,
        key=key,
        layer=layer,
        n_obs=n_obs,
        n_vars=n_vars,
    )
    return [grad_x, *gradients]


def _module(implementation: str) -> Any:
    """Load an implementation where it is used: Triton is not always installed."""
    return import_module(f"activa_kernels.alternating_attention.{implementation}")


@_forward.register_fake
def _(
    x: Tensor,
    weights: Sequence[Tensor],
    key: Tensor | None,
    n_obs: Tensor | None,
    n_vars: Tensor | None,
    axis: str,
    heads: int,
    precision: str,
    dropout: float,
    layer: int,
    save: bool,
    implementation: str,
) -> tuple[Tensor, Tensor, Tensor]:
    size = 0
    if save and implementation == "native":
        B, N, d, e = x.shape
        h = weights[8].shape[0]
        size = native.workspace_bytes(B, N, d, e, h, heads, x.dtype, precision)
    middle = x.new_empty(x.shape if save else (0,))
    return x.new_empty(x.shape), middle, x.new_empty((size,), dtype=torch.uint8)


@_backward.register_fake
def _(
    grad_out: Tensor,
    x: Tensor,
    middle: Tensor,
    workspace: Tensor,
    weights: Sequence[Tensor],
    key: Tensor | None,
    n_obs: Tensor | None,
    n_vars: Tensor | None,
    axis: str,
    heads: int,
    precision: str,
    dropout: float,
    layer: int,
    implementation: str,
) -> list[Tensor]:
    return [t.new_empty(t.shape) for t in (x, *weights)]


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    x, weights, key, n_obs, n_vars, *options = inputs
    _, middle, workspace = output
    axis, heads, precision, dropout, layer, _, implementation = options
    ctx.options = (axis, heads, precision, dropout, layer, implementation)
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(x, middle, workspace, key, n_obs, n_vars, *weights)


def _differentiate(ctx: Any, grad_out: Tensor | None, *_: Any) -> tuple[Any, ...]:
    x, middle, workspace, key, n_obs, n_vars, *weights = ctx.saved_tensors
    if grad_out is None:
        return None, [None] * len(weights), *(None,) * 10
    grad_x, *gradients = _backward(
        grad_out, x, middle, workspace, weights, key, n_obs, n_vars, *ctx.options
    )
    return grad_x, gradients, *(None,) * 10


_forward.register_autograd(_differentiate, setup_context=_save)
