"""The log density of a Gaussian mixture in plain PyTorch: the definition the fast paths agree with.

The algebra, and why it is written as sums of squares, is in this folder's README.md.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def mixture_log_prob(
    x: Tensor, log_weights: Tensor, means: Tensor, factors: Tensor, diagonal: Tensor
) -> Tensor:
    """Return log sum_c w_c N(x_n; mu_c, Sigma_c) with Sigma_c = u_c u_c^T + diag(diagonal_c).

    Parameters
    ----------
    x : Tensor, shape (B, N, d)
        Rows, float32 or float64 as everything below.
    log_weights : Tensor, shape (B, C)
        Logarithms of the mixture weights.
    means : Tensor, shape (B, C, d)
    factors : Tensor, shape (B, C, d, r)
        The u_c, of any rank r.
    diagonal : Tensor, shape (B, C, d)
        Positive.

    Returns
    -------
    Tensor, shape (B, N)
        Differentiable in every argument. What depends on the components alone is computed in
        float64 whatever the dtype: it is the small part, and it carries the condition number.
    """
    d, rank = factors.shape[-2:]
    delta = x.unsqueeze(1) - means.unsqueeze(2)  # (B, C, N, d)
    by = _by_covariance if rank >= d else _by_low_rank
    energy, log_det = by(delta, factors.double(), diagonal.double())
    terms = (
        log_weights.unsqueeze(2) - (energy + log_det.unsqueeze(2) + d * math.log(2 * math.pi)) / 2
    )
    return terms.logsumexp(dim=1)  # (B, N)


def _by_covariance(delta: Tensor, factors: Tensor, diagonal: Tensor) -> tuple[Tensor, Tensor]:
    """Energy (B, C, N) and log det (B, C) through the Cholesky factor of Sigma, d x d."""
    sigma = factors @ factors.mT + torch.diag_embed(diagonal)
    lower, log_det = _cholesky(sigma)
    identity = torch.eye(sigma.shape[-1], dtype=sigma.dtype, device=sigma.device)
    whiten = torch.linalg.solve_triangular(lower, identity, upper=False)
    rows = delta @ whiten.mT.to(delta.dtype)
    return rows.square().sum(dim=-1), log_det.to(delta.dtype)


def _by_low_rank(delta: Tensor, factors: Tensor, diagonal: Tensor) -> tuple[Tensor, Tensor]:
    """Energy (B, C, N) and log det (B, C) through the r x r matrix I + u^T u of scaled factors."""
    scale = diagonal.sqrt()
    scaled = factors / scale.unsqueeze(-1)
    inner = scaled.mT @ scaled
    inner = inner + torch.eye(inner.shape[-1], dtype=inner.dtype, device=inner.device)
    lower, log_det = _cholesky(inner)
    project = torch.cholesky_solve(scaled.mT, lower).to(delta.dtype)  # (B, C, r, d)
    delta = delta / scale.unsqueeze(2).to(delta.dtype)
    along = delta @ project.mT  # (B, C, N, r)
    rest = delta - along @ scaled.mT.to(delta.dtype)
    energy = rest.square().sum(dim=-1) + along.square().sum(dim=-1)
    return energy, (log_det + diagonal.log().sum(dim=-1)).to(delta.dtype)


def _cholesky(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Lower factor and log det; a matrix that is not positive definite gives NaN, not an error."""
    lower, failed = torch.linalg.cholesky_ex(matrix)
    log_det = 2 * lower.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
    return lower, log_det.masked_fill(failed > 0, math.nan)
