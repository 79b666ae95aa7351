"""p_eta(z | D, do): a mixture over the latent, one component a hypothesis (paper, Sec. 4.2)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from activa_core.config import ModelConfig
from activa_core.data import real
from activa_core.model.layers import mlp

__all__ = ["LatentMixture", "Prior"]


@dataclass(frozen=True)
class LatentMixture:
    """sum_c rho_c N(z; mu_c, s^2 I) over z in R^(d x l)."""

    log_weights: Tensor  # (B, k)
    means: Tensor  # (B, k, d, l)
    variance: float

    def log_prob(self, z: Tensor) -> Tensor:  # (B, d, l) -> (B,)
        """Log density of one latent for each item of the batch."""
        distance = (z[:, None] - self.means).square().sum(dim=(-2, -1))  # (B, k)
        size = z.shape[-2] * z.shape[-1]
        log_norm = size / 2 * math.log(2 * math.pi * self.variance)
        return (self.log_weights - distance / (2 * self.variance)).logsumexp(dim=-1) - log_norm

    def kl_bound(self, mean: Tensor) -> Tensor:  # (B, d, l) -> (B,)
        """Upper bound of KL(N(mean, s^2 I) || self), after Hershey and Olsen (2007).

        -log sum_c rho_c exp(-KL(q || p_c)), with KL(q || p_c) = |mean - mu_c|^2 / (2 s^2).
        """
        distance = (mean[:, None] - self.means).square().sum(dim=(-2, -1))  # (B, k)
        return -(self.log_weights - distance / (2 * self.variance)).logsumexp(dim=-1)

    def kl_monte_carlo(self, mean: Tensor, z: Tensor) -> Tensor:  # (B, d, l) twice -> (B,)
        """Unbiased one-sample estimate of the same KL, at a z drawn from N(mean, s^2 I)."""
        encoder = LatentMixture(z.new_zeros(len(z), 1), mean[:, None], self.variance)
        return encoder.log_prob(z) - self.log_prob(z)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw n latents for each item, (n, B, d, l).

        Components are drawn systematically: one uniform shift of an even grid through the
        cumulative weights. Each draw follows the mixture, and the share of a component is within
        1 / n of its weight.
        """
        shift = torch.rand((1, len(self.means)), generator=generator)
        grid = (torch.arange(n)[:, None] + shift) / n  # (n, B)
        # one spacing for all draws of an item, so the order is by component; nothing depends on it
        cumulative = self.log_weights.exp().cumsum(dim=-1).clamp(max=1.0)  # (B, k)
        component = torch.searchsorted(cumulative, grid.to(cumulative).T.contiguous()).T  # (n, B)
        component = component.clamp(max=self.means.shape[1] - 1)
        items = torch.arange(len(self.means), device=component.device)
        means = self.means[items, component]  # (n, B, d, l)
        noise = torch.randn(means.shape, generator=generator).to(means)
        return means + math.sqrt(self.variance) * noise


class Prior(nn.Module):
    """p(z | D, do), read off the embedding of data and query.

    Means are equivariant, weights invariant to the order of the variables (paper, Sec. 4.2).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        k, latent = config.prior_components, config.latent_dim
        self.means = mlp(config.embed_dim, config.hidden_dim, k * latent)
        self.scores = mlp(config.embed_dim, config.hidden_dim, k)
        self.components, self.variance = k, config.latent_variance
        self._bring_together(self.means[-1])

    def forward(
        self, embedding: Tensor, *, n_vars: Tensor | None = None
    ) -> LatentMixture:  # (B, d, e)
        means, scores = self.means(embedding), self.scores(embedding)
        if n_vars is not None:  # means of zero, as the encoder's: no distance
            padding = ~real(n_vars, embedding.shape[1])[..., None]
            means, scores = means.masked_fill(padding, 0.0), scores.masked_fill(padding, 0.0)
        means = means.unflatten(-1, (self.components, -1)).transpose(1, 2)
        # a sum, not a mean: the evidence of the variables adds up in log space
        log_weights = scores.sum(dim=1).log_softmax(dim=-1)
        return LatentMixture(log_weights, means, self.variance)  # (B, k), (B, k, d, l)

    @torch.no_grad()
    def _bring_together(self, last: nn.Module) -> None:
        """Start all components at one place but for a tenth of their distance.

        Components that start apart by many standard deviations s never share an answer: the
        nearest takes all, and the others get no gradient. From one place they part as answers do.
        """
        for parameter in last.parameters():
            by_component = parameter.view(self.components, -1, *parameter.shape[1:])
            by_component.copy_(by_component[:1].clone().lerp(by_component, 0.1))
