"""A multivariate normal: fitted, conditioned, sampled, evaluated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from activa_eval.arrays import BoolArray, FloatArray

FLOOR = 1e-9  # relative; a direction without spread has no density, so it is given this much

_erfc = np.vectorize(math.erfc, otypes=[np.float64])  # NumPy has none, and SciPy is an extra


@dataclass(frozen=True)
class Gaussian:
    """N(mean, covariance) over d columns; the covariance may be singular."""

    mean: FloatArray  # (d,)
    covariance: FloatArray  # (d, d)

    @classmethod
    def fit(cls, rows: FloatArray) -> Gaussian:
        """Mean and covariance (ddof = 1) of (N, d) rows."""
        mean, centred = centre(rows)
        return cls(mean, np.einsum("ni,nj->ij", centred, centred) / (len(rows) - 1))

    def marginal(self, keep: BoolArray) -> Gaussian:
        """Return the law of the columns in `keep`."""
        return Gaussian(self.mean[keep], self.covariance[np.ix_(keep, keep)])

    def condition(self, given: BoolArray, values: FloatArray) -> Gaussian:
        """Return the law of the other columns where those in `given` have these `values`.

        A given column without variance shifts nothing; a negative eigenvalue of the residual
        covariance, which is rounding, is clipped at 0.
        """
        rest = ~given
        across = self.covariance[np.ix_(rest, given)]
        slope = across @ np.linalg.pinv(self.covariance[np.ix_(given, given)], hermitian=True)
        mean = self.mean[rest] + slope @ (values - self.mean[given])
        variances, axes = np.linalg.eigh(self.covariance[np.ix_(rest, rest)] - slope @ across.T)
        return Gaussian(mean, (axes * variances.clip(min=0.0)) @ axes.T)

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw (n, d) rows."""
        variances, axes = np.linalg.eigh(self.covariance)
        spread = axes * np.sqrt(variances.clip(min=0.0))
        return np.asarray(self.mean + rng.standard_normal((n, len(self.mean))) @ spread.T)

    def log_prob(self, rows: FloatArray) -> FloatArray:
        """Log density at (n, d) rows."""
        variances, axes = np.linalg.eigh(self.covariance)
        least = FLOOR * max(1e-3, variances.max(initial=0.0))
        variances = variances.clip(min=least)
        energy = ((rows - self.mean) @ axes) ** 2 / variances
        log_norm = len(variances) * math.log(2.0 * math.pi) + np.log(variances).sum()
        return np.asarray(-0.5 * (energy.sum(axis=1) + log_norm))

    def cdf(self, rows: FloatArray) -> FloatArray:
        """Marginal distribution function of each column at (n, d) rows."""
        deviation = np.sqrt(self.covariance.diagonal().clip(min=FLOOR**2))
        return normal_cdf((rows - self.mean) / deviation)


def normal_cdf(z: FloatArray) -> FloatArray:
    """Distribution function of N(0, 1)."""
    return np.asarray(0.5 * _erfc(-z / math.sqrt(2.0)))


def centre(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean of (N, d) rows and the rows without it; a constant column leaves exact zeros.

    The mean of equal numbers is off by rounding, and a variance of rounding could be divided by.
    """
    constant = (rows == rows[0]).all(axis=0)
    mean = np.where(constant, rows[0], rows.mean(axis=0))
    return mean, rows - mean
