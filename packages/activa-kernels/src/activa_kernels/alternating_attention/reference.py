"""The transformer block in plain PyTorch: the definition the fast paths agree with."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from activa_kernels.alternating_attention.dropout import WHOLE, keep_mask, threshold

Axis = Literal["samples", "variables"]
Precision = Literal["float32", "bfloat16"]

NORM_EPS = 1e-5


class BlockWeights(NamedTuple):
    """Weights of a block of width e and hidden width h, laid out as torch's modules have them.

    The rows of `query_key_value_weight` are those of the queries, the keys and the values; in each
    of the three the heads follow one another.
    """

    attention_norm_weight: Tensor  # (e,)
    attention_norm_bias: Tensor  # (e,)
    query_key_value_weight: Tensor  # (3 e, e)
    query_key_value_bias: Tensor  # (3 e,)
    projection_weight: Tensor  # (e, e)
    projection_bias: Tensor  # (e,)
    feed_forward_norm_weight: Tensor  # (e,)
    feed_forward_norm_bias: Tensor  # (e,)
    hidden_weight: Tensor  # (h, e)
    hidden_bias: Tensor  # (h,)
    output_weight: Tensor  # (e, h)
    output_bias: Tensor  # (e,)


def alternating_attention(
    x: Tensor,
    weights: BlockWeights,
    *,
    axis: Axis,
    heads: int,
    precision: Precision | None,
    dropout: float,
    key: Tensor | None,
    layer: int,
    n_obs: Tensor | None,
    n_vars: Tensor | None,
) -> Tensor:
    """Return the block's output (B, N, d, e); arguments as `op.alternating_attention`, checked.

    With `precision` "bfloat16" torch's autocast says where numbers are narrow.
    """
    w = weights
    real = real_tokens(x, n_obs, n_vars)
    if real is not None:
        x = x.masked_fill(~real, 0.0)
    with torch.autocast(x.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        normal = _norm(x, w.attention_norm_weight, w.attention_norm_bias)
        qkv = F.linear(normal, w.query_key_value_weight, w.query_key_value_bias)
        attended = _attend(qkv, axis, heads, real)
        update = F.linear(attended, w.projection_weight, w.projection_bias)
        x = x + _drop(update, dropout, key, layer, site=0)
        normal = _norm(x, w.feed_forward_norm_weight, w.feed_forward_norm_bias)
        hidden = F.gelu(F.linear(normal, w.hidden_weight, w.hidden_bias))
        update = F.linear(hidden, w.output_weight, w.output_bias)
        x = x + _drop(update, dropout, key, layer, site=1)
    return x if real is None else x.masked_fill(~real, 0.0)


def real_tokens(x: Tensor, n_obs: Tensor | None, n_vars: Tensor | None) -> Tensor | None:
    """Say which tokens (B, N, d, 1) are no padding; None where there is none."""
    _, N, d, _ = x.shape
    real = None
    if n_obs is not None:
        real = (torch.arange(N, device=x.device) < n_obs[:, None])[:, :, None, None]
    if n_vars is not None:
        columns = (torch.arange(d, device=x.device) < n_vars[:, None])[:, None, :, None]
        real = columns if real is None else real & columns
    return None if real is None else real.expand(*x.shape[:3], 1)


def _norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], weight, bias, NORM_EPS)


def _attend(qkv: Tensor, axis: Axis, heads: int, real: Tensor | None) -> Tensor:
    """Softmax attention of all sequences, (B, N, d, 3 e) to (B, N, d, e)."""
    if axis == "samples":
        qkv = qkv.transpose(1, 2)
        real = None if real is None else real.transpose(1, 2)
    B, sequences, S, _ = qkv.shape
    parts = qkv.reshape(B * sequences, S, 3, heads, -1)  # (B *, S, 3, H, e/H)
    query, key, value = parts.movedim(2, 0).transpose(2, 3)  # (B *, H, S, e/H)
    mask = None
    if real is not None:  # finite, so that a sequence of padding alone stays so
        padding = (~real).flatten(0, 1).mT[:, None]  # (B *, 1, 1, S)
        mask = torch.zeros_like(padding, dtype=query.dtype).masked_fill(padding, -1e30)
    if query.device.type == "cpu" and query.dtype == torch.bfloat16 and torch.is_grad_enabled():
        # backward through torch's fused attention is four times slower here than two products
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        scores = scores if mask is None else scores + mask
        attended = scores.softmax(dim=-1).to(value.dtype) @ value
    else:
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    joined: Tensor = attended.transpose(1, 2).reshape(B, sequences, S, -1)
    return joined.transpose(1, 2) if axis == "samples" else joined


def _drop(x: Tensor, dropout: float, key: Tensor | None, layer: int, *, site: int) -> Tensor:
    if dropout == 0.0:
        return x
    assert key is not None
    drop = threshold(dropout)
    kept = keep_mask(tuple(x.shape), key, layer, site, drop)
    return x * kept * (WHOLE / (WHOLE - drop))
