"""p_gamma(V | z): a latent becomes a mixture of Gaussians over the variables (paper, Sec. 4.4)."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from activa_core.config import ModelConfig
from activa_core.data import real
from activa_core.mixture import GaussianMixture
from activa_core.model.layers import TransformerBlock

__all__ = ["Decoder"]


class Decoder(nn.Module):
    """Means, covariances u u^T + diagonal and weights of C components, equivariant throughout.

    Its blocks are numbered from `first_layer` on. Of padded variables it says nothing that counts.
    """

    def __init__(self, config: ModelConfig, *, first_layer: int) -> None:
        super().__init__()
        e, h, C = config.embed_dim, config.hidden_dim, config.decoder_components
        self.components, self.rank, self.eps = C, config.rank, config.eps
        self.lift = nn.Linear(config.latent_dim if config.latent else e, e)
        self.blocks = nn.ModuleList(
            TransformerBlock(e, h, config.heads, config.dropout, layer=first_layer + block)
            for block in range(config.decoder_blocks)
        )
        self.norm = nn.LayerNorm(e)
        self.means = nn.Linear(e, C)
        self.factors = nn.Linear(e, C * self.rank)
        self.scores = nn.Linear(e, C)
        self.diagonal = nn.Linear(e, C) if config.learned_diagonal else None

    def forward(
        self, z: Tensor, *, n_vars: Tensor | None = None, key: Tensor | None = None
    ) -> GaussianMixture:  # (B, d, l), or h(D, I) (B, d, e) in a network without a latent
        x = self.lift(z)[:, None]  # (B, 1, d, e), one sample
        for block in self.blocks:
            x = block(x, axis="variables", n_vars=n_vars, key=key)
        x = self.norm(x.squeeze(1))  # (B, d, e)
        means = self.means(x).transpose(1, 2)  # (B, C, d)
        # unit variances at the start, whatever the rank
        factors = self.factors(x).unflatten(-1, (self.components, self.rank)) / math.sqrt(self.rank)
        factors = factors.transpose(1, 2)  # (B, C, d, r)
        known = x
        if n_vars is not None:
            known = x.masked_fill(~real(n_vars, x.shape[1])[..., None], 0.0)
        log_weights = self.scores(known.sum(dim=1)).log_softmax(dim=-1)  # (B, C)
        diagonal = means.new_full(means.shape, self.eps)
        if self.diagonal is not None:
            diagonal = diagonal + F.softplus(self.diagonal(x)).transpose(1, 2)
        return GaussianMixture(log_weights, means, factors, diagonal)
