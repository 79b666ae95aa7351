"""The conditional variational autoencoder: the parts joined, and their objective."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import Pairs, real
from activa_core.mixture import GaussianMixture
from activa_core.model.decoder import Decoder
from activa_core.model.embedding import Embedding, encode_query, encode_units
from activa_core.model.encoder import Encoder
from activa_core.model.layers import Precision, TransformerBlock
from activa_core.model.prior import LatentMixture, Prior

__all__ = ["CVAE", "Evidence", "count_parameters"]


@dataclass(frozen=True)
class Evidence:
    """The terms of the objective for each item of a batch."""

    log_likelihood: Tensor  # (B,), mean over the item's rows of E_q log p(x_n | z)
    divergence: Tensor  # (B,), KL(q || prior) of a whole sample
    predictive: Tensor | None  # (B,), mean of log p(x_n | D, do), with latents from the prior

    def loss(self, beta: float | Tensor, predictive_weight: float) -> Tensor:
        """Negative objective per row (B,); `beta` is the effective one (see `TrainConfig.rows`)."""
        loss = beta * self.divergence - self.log_likelihood
        return loss if self.predictive is None else loss - predictive_weight * self.predictive


class CVAE(nn.Module):
    """ACTIVA's network: everything in model units, without names, checks or files.

    Where `n_obs` (B,) and `n_vars` (B,) are given, rows and variables beyond them are padding.
    What stands there does not matter as long as it is finite; `pairs` sees to that.

    Parameters
    ----------
    config : ModelConfig
        Sizes and variants.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        L = config.embed_blocks + config.query_blocks
        self.embedding = Embedding(config, first_layer=0)
        if config.latent:
            self.prior = Prior(config)
            self.encoder = Encoder(config, first_layer=L)
        self.decoder = Decoder(config, first_layer=2 * L)

    def embed(
        self, asked: Pairs, *, precision: Precision | None = None, key: Tensor | None = None
    ) -> Tensor:
        """h(D, I) for B data sets with a query each: (B, d, e). The answers are not looked at."""
        query = self._query(asked)
        every = asked.queries if self.config.late_query else 1
        units = self._units(asked)
        embedding: Tensor = self.embedding(
            asked.obs[::every],
            query,
            units=None if units is None else units[::every],
            n_obs=None if asked.n_obs is None else asked.n_obs[::every],
            n_vars=None if asked.n_vars is None else asked.n_vars[::every],
            precision=precision,
            key=key,
        )
        return embedding

    def latent(self, asked: Pairs) -> LatentMixture:
        """p(z | D, do) for B data sets with a query each."""
        prior: LatentMixture = self.prior(self.embed(asked), n_vars=asked.n_vars)
        return prior

    def codes(self, asked: Pairs, draws: int, generator: torch.Generator) -> Tensor:
        """What `decode` takes: latents from the prior, (draws, B, d, l).

        Without a latent there is nothing to draw: h(D, I) itself, (1, B, d, e).
        """
        if not self.config.latent:
            return self.embed(asked)[None]
        return self.latent(asked).sample(draws, generator=generator)

    def decode(
        self, z: Tensor, *, n_vars: Tensor | None = None, key: Tensor | None = None
    ) -> GaussianMixture:
        """p(V | z) for latents (B, d, l), or whatever else `codes` gives."""
        decoded: GaussianMixture = self.decoder(z, n_vars=n_vars, key=key)
        return decoded

    def evidence(
        self, pairs: Pairs, config: TrainConfig, noise: Tensor, *, key: Tensor | None = None
    ) -> Evidence:
        """Evaluate the objective on B pairs, with one latent for each.

        Parameters
        ----------
        pairs : Pairs
            B pairs.
        config : TrainConfig
            Which objective, and the precision of the embedding networks.
        noise : Tensor, shape (B, predictive_draws, d, l)
            Standard normal; z = mean + s * noise. The encoder's latent takes the first.
        key : Tensor, shape (2,), int64, optional
            (seed, step) of dropout; without a key nothing is dropped.
        """
        n_vars = pairs.n_vars
        precision: Precision | None = "bfloat16" if config.precision == "bfloat16" else None
        embedding = self.embed(pairs, precision=precision, key=key)  # (B, d, e)
        if not self.config.latent:
            log_prob = self.log_likelihood(self.decode(embedding, n_vars=n_vars, key=key), pairs)
            log_prob = _mean_over_rows(log_prob, pairs.n_interv)
            return Evidence(log_prob, torch.zeros_like(log_prob), None)
        answer = self.encoder.embedding(
            pairs.interv,
            self._query(pairs),
            units=self._units(pairs),
            n_obs=pairs.n_interv,
            n_vars=n_vars,
            precision=precision,
            key=key,
        )
        prior: LatentMixture = self.prior(embedding, n_vars=n_vars)
        mean = self.encoder(answer, embedding, n_vars=n_vars)  # (B, d, l)
        z = mean + math.sqrt(self.config.latent_variance) * noise[:, 0]
        log_prob = self.log_likelihood(self.decode(z, n_vars=n_vars, key=key), pairs)  # (B, N)
        bound = config.kl == "bound"
        divergence = prior.kl_bound(mean) if bound else prior.kl_monte_carlo(mean, z)
        predictive = None
        if config.predictive_weight:
            predictive = _mean_over_rows(
                self._predictive(prior, pairs, noise, key=key), pairs.n_interv
            )
        return Evidence(_mean_over_rows(log_prob, pairs.n_interv), divergence, predictive)

    def _predictive(
        self, prior: LatentMixture, pairs: Pairs, noise: Tensor, *, key: Tensor | None
    ) -> Tensor:  # (B, N)
        """Give log sum_c rho_c mean_j p(x_n | z_cj), with J latents from each component."""
        (B, k), J = prior.log_weights.shape, noise.shape[1]
        spread = math.sqrt(self.config.latent_variance) * noise
        z = prior.means[:, :, None] + spread[:, None]  # (B, k, J, d, l)
        n_vars = None if pairs.n_vars is None else pairs.n_vars.repeat_interleave(k * J)
        decoded = self.decode(z.flatten(0, 2), n_vars=n_vars, key=key)
        shares = prior.log_weights.repeat_interleave(J, dim=1) - math.log(J)  # (B, k J)
        log_weights = shares[..., None] + decoded.log_weights.view(B, k * J, -1)
        parts = (decoded.means, decoded.factors, decoded.diagonal)
        joined = (part.reshape(B, -1, *part.shape[2:]) for part in parts)  # (B, k J C, ...)
        return self.log_likelihood(GaussianMixture(log_weights.flatten(1), *joined), pairs)

    def log_likelihood(self, decoded: GaussianMixture, pairs: Pairs) -> Tensor:  # (B, N)
        """Log density of the interventional rows, without the targets where those are fixed."""
        if self.config.fix_target:
            return marginal_log_prob(decoded, pairs.interv, pairs.targets | pairs.padding)
        if pairs.n_vars is None:
            return decoded.log_prob(pairs.interv)
        return marginal_log_prob(decoded, pairs.interv, pairs.padding)

    def held_out(self, pairs: Pairs, draws: int, generator: torch.Generator) -> Tensor:
        """Mean log density (B,) of the rows' non-target columns under the prediction."""
        left_out = pairs.targets | pairs.padding
        per_draw = [
            marginal_log_prob(self.decode(z, n_vars=pairs.n_vars), pairs.interv, left_out)
            for z in self.codes(pairs, draws, generator)
        ]  # S of (B, N)
        mixture = torch.stack(per_draw).logsumexp(dim=0) - math.log(len(per_draw))
        return _mean_over_rows(mixture, pairs.n_interv)

    def matrices(self) -> list[tuple[Tensor, int]]:
        """Parameters that hold the matrices of all blocks, and how many each holds."""
        blocks = (module for module in self.modules() if isinstance(module, TransformerBlock))
        return [pair for block in blocks for pair in block.matrices()]

    def _query(self, asked: Pairs) -> Tensor:  # (B, d, channels)
        values = asked.values
        if self.config.query == "index" and asked.units is not None:
            mean, scale = asked.units.unbind(dim=1)  # indices are of values in the data's units
            query = encode_query(asked.targets, values * scale + mean, self.config)
            return query * scale.sign()[..., None]  # reflected with its column
        return encode_query(asked.targets, values, self.config)

    def _units(self, asked: Pairs) -> Tensor | None:  # (B, d, channels)
        if not self.config.see_units or asked.units is None:
            return None
        mean, scale = asked.units.unbind(dim=1)
        return encode_units(mean, scale, self.config)


def count_parameters(config: ModelConfig) -> int:
    """Return how many numbers a network learns, without making one.

    Examples
    --------
    >>> count_parameters(ModelConfig())
    313524
    """
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in CVAE(config).parameters())


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
    constant = targets.sum(dim=-1, keepdim=True).to(rows) * (math.log(2 * math.pi) / 2)  # (B, 1)
    return alone.log_prob(rows * kept) + constant


def _mean_over_rows(log_prob: Tensor, n: Tensor | None) -> Tensor:  # (B, N), (B,) -> (B,)
    if n is None:
        return log_prob.mean(dim=-1)
    return log_prob.masked_fill(~real(n, log_prob.shape[1]), 0.0).sum(dim=-1) / n
