"""q_phi(z | X, D, do): where the answer that was seen lies in the latent (paper, Sec. 4.3)."""

import torch
from torch import Tensor, nn

from activa_core.config import ModelConfig
from activa_core.model.embedding import Embedding
from activa_core.model.layers import mlp

__all__ = ["Encoder"]


class Encoder(nn.Module):
    """Mean of q(z | X, D, do) = N(mean, s^2 I), from the embedding of X beside that of D.

    `embedding` is X's own network h'', apart from the h' that prior and encoder share.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embedding = Embedding(config)
        self.mean = mlp(2 * config.embed_dim, config.hidden_dim, config.latent_dim)

    def forward(self, answer: Tensor, embedding: Tensor) -> Tensor:  # (B, d, e) twice
        mean: Tensor = self.mean(torch.cat([answer, embedding], dim=-1))
        return mean  # (B, d, l)
