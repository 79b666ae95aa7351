"""p_gamma(V | z): a latent becomes a mixture of Gaussians over the variables (paper, Sec. 4.4)."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from activa_core.config import ModelConfig
from activa_core.mixture import GaussianMixture
from activa_core.model.layers import TransformerBlock

__all__ = ["Decoder"]


class Decoder(nn.Module):
    """Means, covariances u u^T + diagonal and weights of C components, equivariant throughout."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        e, C = config.embed_dim, config.decoder_components
        self.components, self.rank, self.eps = C, config.rank, config.eps
        self.lift = nn.Linear(config.latent_dim, e)
        self.blocks = nn.Sequential(
            *(
                TransformerBlock(e, config.hidden_dim, config.heads, config.dropout)
                for _ in range(config.decoder_blocks)
            )
        )
        self.norm = nn.LayerNorm(e)
        self.means = nn.Linear(e, C)
        self.factors = nn.Linear(e, C * self.rank)
        self.scores = nn.Linear(e, C)
        self.diagonal = nn.Linear(e, C) if config.learned_diagonal else None

    def forward(self, z: Tensor) -> GaussianMixture:  # (B, d, l)
        x = self.norm(self.blocks(self.lift(z)))  # (B, d, e)
        means = self.means(x).transpose(1, 2)  # (B, C, d)
        # unit variances at the start, whatever the rank
        factors = self.factors(x).unflatten(-1, (self.components, self.rank)) / math.sqrt(self.rank)
        factors = factors.transpose(1, 2)  # (B, C, d, r)
        log_weights = self.scores(x.sum(dim=1)).log_softmax(dim=-1)  # (B, C)
        diagonal = means.new_full(means.shape, self.eps)
        if self.diagonal is not None:
            diagonal = diagonal + F.softplus(self.diagonal(x)).transpose(1, 2)
        return GaussianMixture(log_weights, means, factors, diagonal)
