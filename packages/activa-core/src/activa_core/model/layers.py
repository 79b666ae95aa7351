"""What every part of the network is made of: a pre-norm transformer block and a two-layer MLP."""

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from activa_core.data import real

__all__ = ["Precision", "TransformerBlock", "mlp"]

Precision = Literal["float32", "bfloat16"]
"""Of the inputs of a block's matrix products; sums and the residual stream stay float32."""


class TransformerBlock(nn.Module):
    """Pre-norm self-attention and feed-forward over one axis, each with a residual.

    Dropout stands after the attention's projection and after the feed-forward (paper, Sec. 4.1).
    It happens where a `key` (seed, step) is given; with `layer`, which no other block of the
    network has, the key decides what is dropped.
    """

    def __init__(
        self, embed_dim: int, hidden_dim: int, heads: int, dropout: float, *, layer: int
    ) -> None:
        super().__init__()
        self.heads, self.dropout, self.layer = heads, dropout, layer
        self.attention_norm = nn.LayerNorm(embed_dim)
        self.query_key_value = nn.Linear(embed_dim, 3 * embed_dim)
        self.projection = nn.Linear(embed_dim, embed_dim)
        self.feed_forward_norm = nn.LayerNorm(embed_dim)
        self.feed_forward = mlp(embed_dim, hidden_dim, embed_dim)

    def forward(
        self,
        x: Tensor,
        *,
        axis: Literal["variables", "samples"],
        n_obs: Tensor | None = None,
        n_vars: Tensor | None = None,
        precision: Precision | None = None,
        key: Tensor | None = None,
    ) -> Tensor:  # (B, N, d, e), n_obs and n_vars (B,), key (2,)
        places = torch.ones(x.shape[:3], dtype=torch.bool, device=x.device)  # (B, N, d)
        if n_obs is not None:
            places = places & real(n_obs, x.shape[1])[:, :, None]
        if n_vars is not None:
            places = places & real(n_vars, x.shape[2])[:, None]
        padding = None if n_obs is None and n_vars is None else ~places[..., None]
        x = x if padding is None else x.masked_fill(padding, 0.0)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            update = self.projection(self._attend(self.attention_norm(x), axis, padding))
            x = x + self._drop(update, key, site=0)
            out: Tensor = x + self._drop(self.feed_forward(self.feed_forward_norm(x)), key, site=1)
        return out if padding is None else out.masked_fill(padding, 0.0)

    def _attend(self, x: Tensor, axis: str, padding: Tensor | None) -> Tensor:
        across = axis == "samples"
        sequences = self.query_key_value(x.transpose(1, 2) if across else x)  # (B, ., S, 3 e)
        heads = sequences.unflatten(-1, (3, self.heads, -1))  # (B, ., S, 3, H, e/H)
        query, key, value = heads.movedim(3, 0).transpose(3, 4)  # (B, ., H, S, e/H)
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        if padding is not None:
            hidden = (padding.transpose(1, 2) if across else padding)[:, :, None].mT
            scores = scores.masked_fill(hidden, -1e30)  # finite: rows of padding alone stay so too
        attended: Tensor = (
            (scores.softmax(dim=-1).to(value.dtype) @ value).transpose(2, 3).flatten(-2)
        )
        return attended.transpose(1, 2) if across else attended

    def _drop(self, x: Tensor, key: Tensor | None, *, site: int) -> Tensor:
        if key is None or not self.dropout:
            return x
        words = [*key.tolist(), self.layer, site]
        seed = int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0])
        generator = torch.Generator(x.device).manual_seed(seed)
        kept = torch.rand(x.shape, generator=generator, device=x.device) >= self.dropout
        return x * kept / (1 - self.dropout)


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Two linear layers with a GELU between them."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))
