"""The conditional variational autoencoder: the parts joined, and their objective."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import Pairs
from activa_core.mixture import GaussianMixture
from activa_core.model.decoder import Decoder
from activa_core.model.embedding import Embedding, encode_query
from activa_core.model.encoder import Encoder
from activa_core.model.prior import LatentMixture, Prior

__all__ = ["CVAE", "Evidence"]


@dataclass(frozen=True)
class Evidence:
    """The two terms of the objective, each averaged over the batch."""

    log_likelihood: Tensor  # (), mean over the rows of E_q log p(x_n | z)
    divergence: Tensor  # (), KL(q || prior) of a whole sample

    def loss(self, beta: float) -> Tensor:
        """Negative objective per row; `beta` is the effective one (see `TrainConfig.rows`)."""
        return beta * self.divergence - self.log_likelihood


class CVAE(nn.Module):
    """ACTIVA's network: everything in model units, without names, checks or files.

    Parameters
    ----------
    config : ModelConfig
        Sizes and variants.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config)
        self.prior = Prior(config)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def latent(self, obs: Tensor, targets: Tensor, values: Tensor) -> LatentMixture:
        """p(z | D, do) for (B, N, d), (B, d) and (B, d)."""
        query = encode_query(targets, values, self.config)
        prior: LatentMixture = self.prior(self.embedding(obs, query))
        return prior

    def decode(self, z: Tensor) -> GaussianMixture:
        """p(V | z) for latents (B, d, l)."""
        decoded: GaussianMixture = self.decoder(z)
        return decoded

    def evidence(self, pairs: Pairs, config: TrainConfig) -> Evidence:
        """Evaluate the objective on B pairs, with one latent drawn for each.

        The noise comes from torch's default generator, which `fit` seeds for every step.
        """
        query = encode_query(pairs.targets, pairs.values, self.config)
        narrow = config.precision == "bfloat16"
        with torch.autocast(pairs.obs.device.type, torch.bfloat16, enabled=narrow):
            embedding = self.embedding(pairs.obs, query).to(pairs.obs)  # (B, d, e)
            answer = self.encoder.embedding(pairs.interv, query).to(pairs.obs)
        prior: LatentMixture = self.prior(embedding)
        mean = self.encoder(answer, embedding)  # (B, d, l)
        z = mean + math.sqrt(self.config.latent_variance) * torch.randn_like(mean)
        log_prob = self.log_likelihood(self.decode(z), pairs.interv, pairs.targets)  # (B, N)
        bound = config.kl == "bound"
        divergence = prior.kl_bound(mean) if bound else prior.kl_monte_carlo(mean, z)
        return Evidence(log_prob.mean(), divergence.mean())

    def log_likelihood(
        self, decoded: GaussianMixture, rows: Tensor, targets: Tensor
    ) -> Tensor:  # (B, N)
        """Log density of rows (B, N, d); without the targets' columns where those are fixed."""
        if not self.config.fix_target:
            return decoded.log_prob(rows)
        return marginal_log_prob(decoded, rows, targets)

    def held_out(self, pairs: Pairs, draws: int, generator: torch.Generator) -> Tensor:
        """Mean log density (B,) of the rows' non-target columns under the prediction."""
        prior = self.latent(pairs.obs, pairs.targets, pairs.values)
        z = prior.sample(draws, generator=generator)  # (S, B, d, l)
        per_draw = [
            marginal_log_prob(self.decode(one), pairs.interv, pairs.targets) for one in z
        ]  # S of (B, N)
        mixture = torch.stack(per_draw).logsumexp(dim=0) - math.log(draws)
        return mixture.mean(dim=-1)


def marginal_log_prob(mixture: GaussianMixture, rows: Tensor, targets: Tensor) -> Tensor:
    """Log density (B, N) of rows (B, N, d) without the columns in `targets` (B, d).

    A column that differs from item to item cannot be cut out of a batch. So it is made a standard
    normal apart from the others, at its mean, and that constant is taken off again: exact.
    """
    kept = ~targets[:, None]  # (B, 1, d)
    alone = GaussianMixture(
        mixture.log_weights,
        mixture.means * kept,
        mixture.factors * kept[..., None],
        torch.where(kept, mixture.diagonal, 1.0),
    )
    constant = targets.sum(dim=-1, keepdim=True) * (math.log(2 * math.pi) / 2)  # (B, 1)
    return alone.log_prob(rows * kept) + constant
