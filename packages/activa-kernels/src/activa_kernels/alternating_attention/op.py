"""The public door of the transformer block: checks once, then dispatches by device and dtype."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from activa_kernels.alternating_attention import native, reference, tiles
from activa_kernels.alternating_attention.checks import check, name
from activa_kernels.alternating_attention.reference import Axis, BlockWeights, Precision
from activa_kernels.backend import choose, constant


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
    products, h = precision or name(x.dtype), weights.hidden_weight.shape[0]
    implementation = _implementation(x.device.type, name(x.dtype), x.shape[-1], h, heads, products)
    if implementation == "reference":
        return reference.alternating_attention(
            x,
            weights,
            axis=axis,
            heads=heads,
            precision=precision,
            dropout=dropout,
            key=key,
            layer=layer,
            n_obs=n_obs,
            n_vars=n_vars,
        )
    differentiable = torch.is_grad_enabled() and any(t.requires_grad for t in (x, *weights))
    arguments = (
        x,
        *weights,
        key,
        n_obs,
        n_vars,
        axis,
        heads,
        products,
        dropout,
        layer,
        implementation,
        differentiable,
    )
    if torch.compiler.is_compiling() or type(x) is not Tensor:
        out: Tensor = _forward(*arguments)[0]
    elif differentiable:
        out = _Eagerly.apply(*arguments)  # type: ignore[no-untyped-call]
    else:  # not through the op, whose first call loads the compiler: a second before an answer
        out = _compute(*arguments)[0]
    return out


@constant  # it reads the environment, which a graph cannot hold
def _implementation(device: str, dtype: str, e: int, h: int, heads: int, precision: str) -> str:
    refusal = tiles.refusal(e, h, heads, precision)
    return choose("alternating_attention", device, dtype, refusal=refusal).implementation


WEIGHTS = ", ".join(f"Tensor {field}" for field in BlockWeights._fields)
OPTIONS = (
    "Tensor? key, Tensor? n_obs, Tensor? n_vars, "
    "str axis, int heads, str precision, float dropout, int layer, str implementation"
)
INPUTS = 1 + len(BlockWeights._fields)  # x and the weights


def _compute(*arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Output, and for the way back middle and workspace (empty unless `save`)."""
    x, *weights = (t.contiguous() for t in arguments[:INPUTS])
    implementation, options = _options(arguments[INPUTS:-1])
    results: tuple[Tensor, Tensor, Tensor] = implementation.forward(
        x, weights, **options, save=arguments[-1]
    )
    return results


_forward = torch.library.custom_op(
    "activa::alternating_attention",
    _compute,
    mutates_args=(),
    schema=f"(Tensor x, {WEIGHTS}, {OPTIONS}, bool save) -> (Tensor, Tensor, Tensor)",
)


@torch.library.custom_op(
    "activa::alternating_attention_backward",
    mutates_args=(),
    schema=f"(Tensor grad_out, Tensor middle, Tensor workspace, Tensor x, {WEIGHTS}, {OPTIONS})"
    f" -> ({', '.join(['Tensor'] * INPUTS)})",
)
def _backward(*arguments: Any) -> tuple[Tensor, ...]:
    """Gradients of x and of the twelve weights."""
    grad_out, middle, workspace, x, *weights = (t.contiguous() for t in arguments[: INPUTS + 3])
    implementation, options = _options(arguments[INPUTS + 3 :])
    grad_x, gradients = implementation.backward(grad_out, x, middle, workspace, weights, **options)
    return (grad_x, *gradients)


def _options(values: tuple[Any, ...]) -> tuple[Any, dict[str, Any]]:
    """Return the module that computes, loaded where it is used, and what it is told by name."""
    names = ("key", "n_obs", "n_vars", "axis", "heads", "precision", "dropout", "layer")
    module = import_module(f"activa_kernels.alternating_attention.{values[-1]}")
    return module, dict(zip(names, values[:-1], strict=True))


@_forward.register_fake
def _(*arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    x, weights = arguments[0], BlockWeights(*arguments[1:INPUTS])
    *_, heads, precision, _, _, implementation, save = arguments
    size = 0
    if save and implementation == "native":
        B, N, d, e = x.shape
        h = weights.hidden_weight.shape[0]
        size = native.workspace_bytes(B, N, d, e, h, heads, x.dtype, precision)
    middle = x.new_empty(x.shape if save else (0,))
    return x.new_empty(x.shape), middle, x.new_empty((size,), dtype=torch.uint8)


@_backward.register_fake
def _(*arguments: Any) -> tuple[Tensor, ...]:
    return tuple(t.new_empty(t.shape) for t in arguments[3 : INPUTS + 3])


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    _, middle, workspace = output
    tensors, ctx.options = inputs[: INPUTS + 3], inputs[INPUTS + 3 : -1]
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(middle, workspace, *tensors)


def _differentiate(ctx: Any, grad_out: Tensor | None, *_: Any) -> tuple[Tensor | None, ...]:
    gradients: tuple[Tensor | None, ...] = (None,) * INPUTS
    if grad_out is not None:
        gradients = _backward(grad_out, *ctx.saved_tensors, *ctx.options)
    return (*gradients, *(None,) * (len(ctx.options) + 4))


_forward.register_autograd(_differentiate, setup_context=_save)


class _Eagerly(torch.autograd.Function):
    """What `register_autograd` says, without the time that its generality costs each call."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Tensor:
        out, middle, workspace = _forward(*arguments)
        _save(ctx, arguments, (out, middle, workspace))
        return out  # type: ignore[no-any-return]

    backward = staticmethod(_differentiate)
