"""What a table says if it is linear and Gaussian, and nothing tells the arrows."""

from math import log

import torch
from torch import Tensor

from activa_core.mixture import GaussianMixture

__all__ = ["hedge", "share"]


def hedge(obs: Tensor, target: int, value: float, eps: float) -> GaussianMixture:
    """Equal mixture of "nothing but the target moves" and "all else follows it".

    Each half is Gaussian, with mean and variance of the posterior predictive under flat priors on
    means, slopes and log scales, which is Student's t: from few rows both are wide.

    Parameters
    ----------
    obs : Tensor, shape (N, d), float64
        Observations D, in which the target varies.
    target : int
        The column that is set.
    value : float
        To what.
    eps : float
        Added to every variance, in squared units of `obs`; all there is of the target's.

    Examples
    --------
    >>> line = torch.tensor([[-1.0, -2.0], [0.0, 0.0], [1.0, 2.0]], dtype=torch.float64)
    >>> hedge(line, 0, 3.0, 1e-3).means
    tensor([[3., 0.],
            [3., 6.]], dtype=torch.float64)
    """
    N, d = obs.shape
    mean = obs.mean(dim=0)
    centred = obs - mean
    covariance = centred.mT @ centred / (N - 1)
    spread, step = covariance[target, target], value - mean[target]
    slope = covariance[target] / spread  # of each column on the target; 1 for itself
    follows = covariance - spread * torch.outer(slope, slope)
    follows *= (1 + 1 / N + step**2 / (spread * (N - 1))) * (N - 1) / max(N - 4, 1)
    stays = covariance * (1 + 1 / N) * (N - 1) / max(N - 3, 1)
    stays[target], stays[:, target] = 0, 0
    still = mean.clone()
    still[target] = value
    variances, axes = torch.linalg.eigh(torch.stack([stays, follows]))
    return GaussianMixture(
        log_weights=obs.new_full((2,), -log(2)),
        means=torch.stack([still, mean + slope * step]),
        factors=axes * variances.clamp(min=0).sqrt().unsqueeze(-2),
        diagonal=obs.new_full((2, d), eps),
    )


def share(N: int, hedge_rows: float) -> float:
    """Weight of the hedge in an answer to N rows: a half at `hedge_rows`, falling with N squared."""
    return hedge_rows**2 / (hedge_rows**2 + N**2)
