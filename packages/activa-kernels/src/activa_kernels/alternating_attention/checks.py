"""What the transformer block refuses, each in one sentence."""

from __future__ import annotations

import torch
from torch import Tensor

from activa_kernels.alternating_attention.dropout import WHOLE, threshold
from activa_kernels.alternating_attention.reference import BlockWeights
from activa_kernels.errors import InputError


def check(
    x: Tensor,
    weights: BlockWeights,
    axis: str,
    heads: int,
    precision: str | None,
    dropout: float,
    key: Tensor | None,
    layer: int,
    n_obs: Tensor | None,
    n_vars: Tensor | None,
) -> None:
    """Refuse what no implementation can compute, with what was given."""
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise InputError(f"x has shape {tuple(x.shape)}; give (B, N, d, e), none of N, d, e zero")
    if x.dtype not in (torch.float32, torch.float64):
        raise InputError(f'x is {x.dtype}; give float32 with precision="bfloat16", or float64')
    _check_weights(x, weights)
    if axis not in ("samples", "variables"):
        raise InputError(f'axis is {axis!r}; give "samples" or "variables"')
    if heads < 1 or x.shape[-1] % heads:
        raise InputError(f"{heads} heads do not divide a width of {x.shape[-1]}")
    if precision not in (None, "bfloat16") and precision != name(x.dtype):
        raise InputError(f'precision is {precision!r} and x {x.dtype}; give "bfloat16" or None')
    if precision == "bfloat16" and x.dtype != torch.float32:
        raise InputError(f"precision is bfloat16 and x {x.dtype}; give float32")
    if not 0.0 <= dropout < 1.0 or threshold(dropout) == WHOLE:
        raise InputError(f"dropout is {dropout}; give a probability below 1")
    if not 0 <= layer < 2**32:
        raise InputError(f"layer is {layer}; give a number from 0 to 2^32 - 1")
    if dropout and key is None:
        raise InputError("dropout needs a key: an int64 tensor of seed and step")
    whole = {"key": (key, 2), "n_obs": (n_obs, x.shape[0]), "n_vars": (n_vars, x.shape[0])}
    for argument, (tensor, size) in whole.items():
        if tensor is None:
            continue
        if tensor.dtype != torch.int64 or tensor.shape != (size,) or tensor.device != x.device:
            raise InputError(
                f"{argument} is {tensor.dtype} of shape {tuple(tensor.shape)} on {tensor.device}; "
                f"give int64 of shape ({size},) on {x.device}"
            )
    _check_lengths(x, n_obs, n_vars)


def _check_weights(x: Tensor, weights: BlockWeights) -> None:
    e = x.shape[-1]
    h = weights.hidden_weight.shape[0]
    shapes = (
        (e,),
        (e,),
        (3 * e, e),
        (3 * e,),
        (e, e),
        (e,),
        (e,),
        (e,),
        (h, e),
        (h,),
        (e, h),
        (e,),
    )
    for field, tensor, shape in zip(BlockWeights._fields, weights, shapes, strict=True):
        if tensor.shape != shape:
            raise InputError(
                f"{field} has shape {tuple(tensor.shape)}, x and h = {h} ask for {shape}"
            )
        if tensor.dtype != x.dtype or tensor.device != x.device:
            raise InputError(
                f"{field} is {tensor.dtype} on {tensor.device}, x is {x.dtype} on {x.device}; "
                "give one dtype and one device"
            )


def _check_lengths(x: Tensor, n_obs: Tensor | None, n_vars: Tensor | None) -> None:
    """Look at the lengths where that costs no wait for a device, and no graph is being traced."""
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return
    for argument, lengths, most in (("n_obs", n_obs, x.shape[1]), ("n_vars", n_vars, x.shape[2])):
        if lengths is not None and len(lengths) and not 1 <= lengths.min() <= lengths.max() <= most:
            raise InputError(f"{argument} must be from 1 to {most}, got {lengths.tolist()}")


def name(dtype: torch.dtype) -> str:
    """Return a dtype's name without its module."""
    return str(dtype).removeprefix("torch.")
