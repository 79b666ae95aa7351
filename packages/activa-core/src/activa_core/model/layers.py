"""What every part of the network is made of: a pre-norm transformer block and a two-layer MLP."""

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
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))

    def _attend(self, x: Tensor) -> Tensor:
        heads = self.query_key_value(x).unflatten(-1, (3, self.heads, -1))  # (..., S, 3, H, e/H)
        query, key, value = heads.movedim(-3, 0).transpose(-2, -3)  # (..., H, S, e/H)
        attended = F.scaled_dot_product_attention(query, key, value)
        return attended.transpose(-2, -3).flatten(-2)  # (..., S, e)


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Two linear layers with a GELU between them."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))
