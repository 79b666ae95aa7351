"""q_phi(z | X, D, do): where the answer that was seen lies in the latent (paper, Sec. 4.3)."""

import torch
from torch import Tensor, nn

from activa_core.config import ModelConfig
from activa_core.data import real
from activa_core.model.embedding import Embedding
from activa_core.model.layers import mlp

__all__ = ["Encoder"]


class Encoder(nn.Module):
    """Mean of q(z | X, D, do) = N(mean, s^2 I), from the embedding of X beside that of D.

    `embedding` is X's own network h'', apart from the h' that prior and encoder share.
    """

    def __init__(self, config: ModelConfig, *, first_layer: int) -> None:
        super().__init__()
        self.embedding = Embedding(config, first_layer=first_layer)
        self.mean = mlp(2 * config.embed_dim, config.hidden_dim, config.latent_dim)

    def forward(
        self, answer: Tensor, embedding: Tensor, *, n_vars: Tensor | None = None
    ) -> Tensor:  # (B, d, e) twice
        mean: Tensor = self.mean(torch.cat([answer, embedding], dim=-1))  # (B, d, l)
        if n_vars is not None:  # zero there, as the prior's means are: no distance
            mean = mean.masked_fill(~real(n_vars, mean.shape[1])[..., None], 0.0)
        return mean
