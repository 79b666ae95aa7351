"""What every part of the network is made of: a pre-norm transformer block and a two-layer MLP."""

from typing import Literal

from activa_kernels.alternating_attention import BlockWeights, alternating_attention
from torch import Tensor, nn

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

    def matrices(self) -> list[tuple[Tensor, int]]:
        """Weights of the linear layers, and how many matrices stand one below the other in each."""
        layers = [layer for layer in self.modules() if isinstance(layer, nn.Linear)]
        return [(layer.weight, 3 if layer is self.query_key_value else 1) for layer in layers]

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
        return alternating_attention(
            x,
            BlockWeights(*self.parameters()),  # they stand in this order
            axis=axis,
            heads=self.heads,
            precision=precision,
            dropout=0.0 if key is None else self.dropout,
            key=key,
            layer=self.layer,
            n_obs=n_obs,
            n_vars=n_vars,
        )


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Two linear layers with a GELU between them."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))
