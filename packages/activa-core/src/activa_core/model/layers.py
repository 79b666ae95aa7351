"""What every part of the network is made of: a pre-norm transformer block and a two-layer MLP."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["TransformerBlock", "mlp"]


class TransformerBlock(nn.Module):
    """Pre-norm self-attention and feed-forward over the last but one axis, each with a residual.

    Dropout stands after the attention's projection and after the feed-forward (paper, Sec. 4.1).
    """

    def __init__(self, embed_dim: int, hidden_dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(embed_dim)
        self.query_key_value = nn.Linear(embed_dim, 3 * embed_dim)
        self.projection = nn.Linear(embed_dim, embed_dim)
        self.feed_forward_norm = nn.LayerNorm(embed_dim)
        self.feed_forward = mlp(embed_dim, hidden_dim, embed_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:  # (..., S, e)
        x = x + self.dropout(self.projection(self._attend(self.attention_norm(x))))
        out: Tensor = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        return out

    def _attend(self, x: Tensor) -> Tensor:
        sequences = self.query_key_value(x).flatten(0, -3)  # (-1, S, 3 e)
        heads = sequences.unflatten(-1, (3, self.heads, -1))  # (-1, S, 3, H, e/H)
        query, key, value = heads.movedim(2, 0).transpose(2, 3)  # (-1, H, S, e/H)
        if query.device.type == "cpu" and query.dtype == torch.bfloat16:
            # backward through torch's fused attention is four times slower here than two products
            scores = query @ key.mT / math.sqrt(query.shape[-1])
            attended = scores.softmax(dim=-1).to(value.dtype) @ value
        else:
            attended = F.scaled_dot_product_attention(query, key, value)
        joined: Tensor = attended.transpose(1, 2).reshape(x.shape)
        return joined


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Two linear layers with a GELU between them."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))
