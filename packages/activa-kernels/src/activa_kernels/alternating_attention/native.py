"""The transformer block by the compiled extension: addresses and shapes across, nothing else.

`workspace` holds query, key, value, attended values and hidden units before the non-linearity, as
float32 or float64, or as bfloat16 where that is the precision; its layout is the extension's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from activa_kernels.alternating_attention.dropout import threshold
from activa_kernels.backend import instruction_set, native, threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def workspace_bytes(
    B: int, N: int, d: int, e: int, h: int, heads: int, dtype: torch.dtype, precision: str
) -> int:
    """Return the size of the workspace of `forward`, which depends on shapes and types alone."""
    count = getattr(native(), f"attention_workspace_bytes_{_kind(dtype, precision)}")
    return int(count(B * N * d, e, h, heads))


def forward(
    x: Tensor,
    weights: Sequence[Tensor],
    *,
    axis: str,
    heads: int,
    precision: str,
    dropout: float,
    key: Tensor | None,
    layer: int,
    n_obs: Tensor | None,
    n_vars: Tensor | None,
    save: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the block's output, and what `backward` needs of the way: middle and workspace.

    Takes contiguous CPU tensors that `op.py` has checked. Without `save` the last two are empty.
    """
    (B, N, d, e), h = x.shape, weights[8].shape[0]
    out = torch.empty_like(x)
    size = workspace_bytes(B, N, d, e, h, heads, x.dtype, precision) if save else 0
    middle = torch.empty_like(x) if save else x.new_empty(0)
    workspace = torch.empty(size, dtype=torch.uint8)
    getattr(native(), f"attention_forward_{_kind(x.dtype, precision)}")(
        *_problem(x, weights, axis, heads, dropout, key, layer, n_obs, n_vars),
        out.data_ptr(),
        middle.data_ptr() if save else 0,
        workspace.data_ptr() if save else 0,
        instruction_set(),
        threads(),
    )
    return out, middle, workspace


def backward(
    grad_out: Tensor,
    x: Tensor,
    middle: Tensor,
    workspace: Tensor,
    weights: Sequence[Tensor],
    *,
    axis: str,
    heads: int,
    precision: str,
    dropout: float,
    key: Tensor | None,
    layer: int,
    n_obs: Tensor | None,
    n_vars: Tensor | None,
) -> tuple[Tensor, list[Tensor]]:
    """Return the gradients of x and of the twelve weights, given that of the output."""
    grad_x, gradients = torch.empty_like(x), [torch.empty_like(w) for w in weights]
    getattr(native(), f"attention_backward_{_kind(x.dtype, precision)}")(
        *_problem(x, weights, axis, heads, dropout, key, layer, n_obs, n_vars),
        grad_out.data_ptr(),
        middle.data_ptr(),
        workspace.data_ptr(),
        grad_x.data_ptr(),
        [g.data_ptr() for g in gradients],
        instruction_set(),
        threads(),
    )
    return grad_x, gradients


def _kind(dtype: torch.dtype, precision: str) -> str:
    if precision == "bfloat16":
        return "bfloat16"
    return "float32" if dtype == torch.float32 else "float64"


def _problem(
    x: Tensor,
    weights: Sequence[Tensor],
    axis: str,
    heads: int,
    dropout: float,
    key: Tensor | None,
    layer: int,
    n_obs: Tensor | None,
    n_vars: Tensor | None,
) -> tuple[Any, ...]:
    seed, step = (0, 0) if key is None else key.tolist()
    return (
        [*x.shape, weights[8].shape[0], heads],  # B, N, d, e, h, heads
        axis == "samples",
        x.data_ptr(),
        [w.data_ptr() for w in weights],
        [[] if lengths is None else lengths.tolist() for lengths in (n_obs, n_vars)],
        [seed, step, layer, threshold(dropout)],
    )
