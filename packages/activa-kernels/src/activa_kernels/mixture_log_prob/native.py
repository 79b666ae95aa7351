"""The mixture log density by the compiled extension: addresses and shapes across, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from activa_kernels.backend import instruction_set, native, threads

if TYPE_CHECKING:
    from torch import Tensor


def forward(
    x: Tensor, log_weights: Tensor, means: Tensor, factors: Tensor, diagonal: Tensor
) -> Tensor:
    """Return (B, N) from contiguous CPU tensors; `op.py` has checked them."""
    out = x.new_empty(x.shape[:2])
    call = getattr(native(), f"mixture_forward_{_dtype(x)}")
    inputs = [t.data_ptr() for t in (x, log_weights, means, factors, diagonal)]
    call(_sizes(x, factors), inputs, out.data_ptr(), instruction_set(), threads())
    return out


def backward(
    grad_out: Tensor,
    x: Tensor,
    log_weights: Tensor,
    means: Tensor,
    factors: Tensor,
    diagonal: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the gradients of the five inputs, given that of the (B, N) output."""
    inputs = (x, log_weights, means, factors, diagonal)
    gradients = (
        torch.empty_like(x),
        torch.empty_like(log_weights),
        torch.empty_like(means),
        torch.empty_like(factors),
        torch.empty_like(diagonal),
    )
    call = getattr(native(), f"mixture_backward_{_dtype(x)}")
    call(
        _sizes(x, factors),
        [t.data_ptr() for t in inputs],
        grad_out.data_ptr(),
        [t.data_ptr() for t in gradients],
        instruction_set(),
        threads(),
    )
    return gradients


def _sizes(x: Tensor, factors: Tensor) -> list[int]:
    return [*x.shape[:2], *factors.shape[1:]]  # B, N, C, d, r


def _dtype(x: Tensor) -> str:
    return "float32" if x.dtype == torch.float32 else "float64"
