"""The same computations in plain PyTorch, independent of activa-kernels: what users would write."""

import math

import torch
import torch.nn.functional as F
from activa_core.config import ModelConfig
from activa_core.model import CVAE
from activa_core.model.layers import TransformerBlock
from torch import Tensor, nn


class Block(nn.Module):
    """A pre-norm transformer block whose parameters stand in the order of ours.

    Parameters
    ----------
    attention : {"products", "sdpa"}
        Two matrix products around a softmax, or torch's fused attention.
    pure : bool
        With precision "bfloat16", everything is that narrow, instead of what autocast narrows.
    """

    def __init__(
        self, e: int, h: int, heads: int, dropout: float, *, attention: str, pure: bool
    ) -> None:
        super().__init__()
        self.heads, self.dropout, self.attention, self.pure = heads, dropout, attention, pure
        self.norm = nn.LayerNorm(e)
        self.query_key_value = nn.Linear(e, 3 * e)
        self.projection = nn.Linear(e, e)
        self.second_norm = nn.LayerNorm(e)
        self.hidden = nn.Linear(e, h)
        self.output = nn.Linear(h, e)

    def forward(
        self,
        x: Tensor,
        *,
        axis: str,
        n_obs: Tensor | None = None,
        n_vars: Tensor | None = None,
        precision: str | None = None,
        key: Tensor | None = None,
    ) -> Tensor:  # (B, N, d, e)
        assert n_obs is None
        assert n_vars is None, "padding is not part of what is compared"
        narrow = precision == "bfloat16"
        w: list[Tensor] = list(self.parameters())
        if narrow and self.pure:
            x, w = x.bfloat16(), [parameter.bfloat16() for parameter in w]
        with torch.autocast(x.device.type, torch.bfloat16, enabled=narrow and not self.pure):
            qkv = F.linear(F.layer_norm(x, x.shape[-1:], w[0], w[1]), w[2], w[3])
            update = F.linear(self._attend(qkv, axis), w[4], w[5])
            x = x + self._drop(update, key)
            hidden = F.gelu(F.linear(F.layer_norm(x, x.shape[-1:], w[6], w[7]), w[8], w[9]))
            return x + self._drop(F.linear(hidden, w[10], w[11]), key)

    def _attend(self, qkv: Tensor, axis: str) -> Tensor:
        if axis == "samples":
            qkv = qkv.transpose(1, 2)
        query, key, value = (
            part.view(*part.shape[:-1], self.heads, -1).transpose(-3, -2)
            for part in qkv.chunk(3, dim=-1)
        )  # (B, sequences, heads, S, e / heads)
        if self.attention == "sdpa":
            attended = F.scaled_dot_product_attention(query, key, value)
        else:
            scores = query @ key.mT / math.sqrt(query.shape[-1])
            attended = scores.softmax(dim=-1).to(value.dtype) @ value
        joined = attended.transpose(-3, -2).flatten(-2)
        return joined.transpose(1, 2) if axis == "samples" else joined

    def _drop(self, x: Tensor, key: Tensor | None) -> Tensor:
        return x if key is None or not self.dropout else F.dropout(x, self.dropout)


def network(config: ModelConfig, *, attention: str, pure: bool) -> CVAE:
    """ACTIVA's network with these blocks in place of ours."""
    made = CVAE(config)
    for blocks in (made.embedding.blocks, made.encoder.embedding.blocks, made.decoder.blocks):
        for place, ours in enumerate(blocks):
            assert isinstance(ours, TransformerBlock)
            blocks[place] = like(ours, config, attention=attention, pure=pure)
    if pure:  # what follows the embeddings is wide in ours, too
        for embedding in (made.embedding, made.encoder.embedding):
            embedding.register_forward_hook(lambda *called: called[-1].float())
    return made


def like(ours: TransformerBlock, config: ModelConfig, *, attention: str, pure: bool) -> Block:
    """One of these blocks with the weights of one of ours."""
    theirs = Block(
        config.embed_dim, config.hidden_dim, config.heads, config.dropout,
        attention=attention, pure=pure,
    )  # fmt: skip
    with torch.no_grad():
        for parameter, weight in zip(theirs.parameters(), ours.parameters(), strict=True):
            parameter.copy_(weight)
    return theirs


def mixture_by_cholesky(
    x: Tensor, log_weights: Tensor, means: Tensor, factors: Tensor, diagonal: Tensor
) -> Tensor:
    """Log density (B, N) of a Gaussian mixture, by the covariances' Cholesky factors."""
    root = torch.linalg.cholesky(factors @ factors.mT + torch.diag_embed(diagonal))  # (B, C, d, d)
    delta = (x[:, None] - means[:, :, None]).mT  # (B, C, d, N)
    energy = torch.linalg.solve_triangular(root, delta, upper=False).square().sum(dim=-2)
    log_det = 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)  # (B, C)
    constant = log_weights - (log_det + x.shape[-1] * math.log(2 * math.pi)) / 2
    log_prob: Tensor = (constant[..., None] - energy / 2).logsumexp(dim=1)
    return log_prob


def mixture_by_distributions(
    x: Tensor, log_weights: Tensor, means: Tensor, factors: Tensor, diagonal: Tensor
) -> Tensor:
    """Return the same by `torch.distributions`."""
    from torch import distributions as D

    covariance = factors @ factors.mT + torch.diag_embed(diagonal)
    parts = D.MultivariateNormal(means, covariance, validate_args=False)
    which = D.Categorical(logits=log_weights, validate_args=False)
    mixture = D.MixtureSameFamily(which, parts, validate_args=False)
    return mixture.log_prob(x.movedim(1, 0)).mT  # type: ignore[no-any-return, no-untyped-call]
