"""The public door of the mixture log density: checks once, then dispatches by device and dtype."""

from typing import Any

import torch
from torch import Tensor

from activa_kernels.backend import choose, constant
from activa_kernels.errors import InputError
from activa_kernels.mixture_log_prob import native, reference
from activa_kernels.mixture_log_prob.tiles import tile_for


def mixture_log_prob(
    x: Tensor, log_weights: Tensor, means: Tensor, factors: Tensor, diagonal: Tensor | float
) -> Tensor:
    """Return log sum_c w_c N(x_n; mu_c, u_c u_c^T + diag(diagonal_c)) for every row of every batch.

    Parameters
    ----------
    x : Tensor, shape (B, N, d)
        Rows, float32 or float64 as every tensor below.
    log_weights : Tensor, shape (B, C)
        Logarithms of the mixture weights.
    means : Tensor, shape (B, C, d)
    factors : Tensor, shape (B, C, d, r)
        The u_c, of any rank r >= 1.
    diagonal : Tensor, shape (B, C, d), or float
        Positive; one number for every variable of every component if a float. A non-positive
        entry of a tensor is not looked for and gives NaN or nonsense.

    Returns
    -------
    Tensor, shape (B, N)
        Differentiable once in every tensor argument.

    Raises
    ------
    InputError
        If shapes, dtypes or devices do not fit, or a float `diagonal` is not positive.

    Examples
    --------
    >>> import torch
    >>> zero = torch.zeros(1, 1, 1)
    >>> mixture_log_prob(zero, zero[0], zero, zero[..., None], 1.0)  # log N(0; 0, 1)
    tensor([[-0.9189]])
    """
    if not isinstance(diagonal, Tensor):
        if not diagonal > 0:
            raise InputError(f"diagonal is {diagonal}; give a positive number")
        diagonal = means.new_tensor(diagonal).expand_as(means)
    _check(x, log_weights, means, factors, diagonal)
    d, rank = factors.shape[2:]
    implementation = _implementation(x.device.type, str(x.dtype).removeprefix("torch."), d, rank)
    if implementation == "reference":
        return reference.mixture_log_prob(x, log_weights, means, factors, diagonal)
    out: Tensor = _forward(x, log_weights, means, factors, diagonal, implementation)
    return out


def _check(
    x: Tensor, log_weights: Tensor, means: Tensor, factors: Tensor, diagonal: Tensor
) -> None:
    """Refuse what no implementation can compute, with the shapes that were given."""
    if x.ndim != 3 or factors.ndim != 4:
        raise InputError(
            "x must have shape (B, N, d) and factors (B, C, d, r), "
            f"got {tuple(x.shape)} and {tuple(factors.shape)}"
        )
    B, C, d, _ = factors.shape
    wanted = {
        "x": (x, (B, x.shape[1], d)),
        "log_weights": (log_weights, (B, C)),
        "means": (means, (B, C, d)),
        "factors": (factors, tuple(factors.shape)),
        "diagonal": (diagonal, (B, C, d)),
    }
    for name, (tensor, shape) in wanted.items():
        if tuple(tensor.shape) != shape:
            raise InputError(f"{name} has shape {tuple(tensor.shape)}, factors ask for {shape}")
        if tensor.dtype != x.dtype or tensor.device != x.device:
            raise InputError(
                f"{name} is {tensor.dtype} on {tensor.device}, x is {x.dtype} on {x.device}; "
                "give one dtype and one device"
            )
    if x.dtype not in (torch.float32, torch.float64):
        raise InputError(f"x is {x.dtype}; widen to float32 or float64, halves lose the density")
    if 0 in factors.shape:
        raise InputError(f"factors of shape {tuple(factors.shape)} are empty; give C, d, r >= 1")


@constant  # it reads the environment, which a graph cannot hold
def _implementation(device: str, dtype: str, d: int, rank: int) -> str:
    too_large = tile_for(d, rank) is None
    return choose(
        "mixture_log_prob",
        device,
        dtype,
        refusal=f"no tile holds d = {d} with rank {rank}" if too_large else None,
    ).implementation


Gradients = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


@torch.library.custom_op("activa::mixture_log_prob", mutates_args=())
def _forward(
    x: Tensor,
    log_weights: Tensor,
    means: Tensor,
    factors: Tensor,
    diagonal: Tensor,
    implementation: str,
) -> Tensor:
    inputs = [t.contiguous() for t in (x, log_weights, means, factors, diagonal)]
    if implementation == "native":
        return native.forward(*inputs)
    from activa_kernels.mixture_log_prob import triton  # loaded only where Triton is used

    return triton.forward(*inputs)


@torch.library.custom_op("activa::mixture_log_prob_backward", mutates_args=())
def _backward(
    grad_out: Tensor,
    out: Tensor,
    x: Tensor,
    log_weights: Tensor,
    means: Tensor,
    factors: Tensor,
    diagonal: Tensor,
    implementation: str,
) -> Gradients:
    grad_out = grad_out.contiguous()
    inputs = [t.contiguous() for t in (x, log_weights, means, factors, diagonal)]
    if implementation == "native":
        return native.backward(grad_out, *inputs)
    from activa_kernels.mixture_log_prob import triton

    return triton.backward(grad_out, out, *inputs)


@_forward.register_fake
def _(
    x: Tensor,
    log_weights: Tensor,
    means: Tensor,
    factors: Tensor,
    diagonal: Tensor,
    implementation: str,
) -> Tensor:
    return x.new_empty(x.shape[:2])


@_backward.register_fake
def _(
    grad_out: Tensor,
    out: Tensor,
    x: Tensor,
    log_weights: Tensor,
    means: Tensor,
    factors: Tensor,
    diagonal: Tensor,
    implementation: str,
) -> Gradients:
    new = [t.new_empty(t.shape) for t in (x, log_weights, means, factors, diagonal)]
    return new[0], new[1], new[2], new[3], new[4]


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.implementation = inputs
    ctx.save_for_backward(output, *tensors)


def _differentiate(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
    return (*_backward(grad_out, *ctx.saved_tensors, ctx.implementation), None)


_forward.register_autograd(_differentiate, setup_context=_save)
