"""What a table says if it is linear and Gaussian, and nothing tells the arrows."""

from math import log, sqrt

import torch
from torch import Tensor

from activa_core.mixture import GaussianMixture

__all__ = ["hedge", "normality", "share"]

FLAT = 1e-10  # of the largest variance, below which a direction does not vary
MOST = 0.7  # of an answer is the hedge's because the columns look normal


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


def share(obs: Tensor, hedge_rows: float) -> float:
    """Weight of the hedge in an answer to a sample (N, d).

    A half for few rows, that is at `hedge_rows`, falling with N squared. Of the rest 0.7, where the
    columns look jointly normal, as such columns are linear and tell no arrow; less in proportion
    where the p-value of `normality` is below a half.
    """
    of_few = hedge_rows**2 / (hedge_rows**2 + len(obs) ** 2)
    return 1 - (1 - of_few) * (1 - MOST * min(2 * normality(obs), 1))


def normality(obs: Tensor) -> float:
    """p-value of "the columns are jointly normal", by skewness and kurtosis of all directions.

    The sum of Mardia's (1970) skewness and squared kurtosis, which is asymptotically chi-squared with
    d (d + 1) (d + 2) / 6 + 1 degrees of freedom.

    Parameters
    ----------
    obs : Tensor, shape (N, d), float64
        In units that are alike, such as standard deviations. Where a column follows from the others,
        as with fewer rows than columns, the p-value is 0: a normal law is not all there is.

    Examples
    --------
    >>> rows = torch.linspace(-3, 3, 201, dtype=torch.float64)
    >>> normality(torch.stack([rows, rows**2], dim=1)) < 1e-6
    True
    """
    N, d = obs.shape
    centred = obs - obs.mean(dim=0)
    variances, axes = torch.linalg.eigh(centred.mT @ centred / N)
    if variances.min() <= FLAT * variances.max():
        return 0.0
    white = centred @ axes / variances.sqrt()
    third = torch.einsum("na,nb,nc->abc", white, white, white) / N
    skewness = N / 6 * third.square().sum()
    fourth = white.square().sum(dim=1).square().mean()
    kurtosis = (fourth - d * (d + 2) * (N - 1) / (N + 1)) / sqrt(8 * d * (d + 2) / N)
    freedom = white.new_tensor(d * (d + 1) * (d + 2) / 6 + 1)
    return float(torch.special.gammaincc(freedom / 2, (skewness + kurtosis**2) / 2))
