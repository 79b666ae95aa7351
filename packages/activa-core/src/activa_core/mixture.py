"""Mixtures of Gaussians in closed form, batched, in the units of the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log1p

import numpy as np
import torch
from activa_kernels.mixture_log_prob import mixture_log_prob
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["GaussianMixture"]

HALVINGS = 64  # of the bracket of a quantile: to the last bit of a float64
ASCENT_STEPS = 1_000  # at most, towards a mode
ASCENT_STOP = 1e-6  # length of the last step, in standard deviations of the narrowest component
SAME_MODE = 0.1  # distance of ends that are one mode, in the same unit


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """sum_k w_k N(mu_k, F_k F_k^T + diag(v_k)), over any batch of mixtures.

    A low-rank factor plus a diagonal is closed under everything asked here: marginals, conditioning
    and a change of units, so that no covariance is inverted or taken apart on the way.

    Parameters
    ----------
    log_weights : Tensor, shape (..., K)
        Logarithms of weights that sum to one.
    means : Tensor, shape (..., K, d)
    factors : Tensor, shape (..., K, d, r)
        F, of any rank r.
    diagonal : Tensor, shape (..., K, d)
        v > 0, variances (squared units).

    Examples
    --------
    >>> one = torch.ones(1, 1, dtype=torch.float64)
    >>> normal = GaussianMixture(0 * one[0], 5 * one, (3**0.5 * one)[..., None], one)
    >>> normal.mean().item(), round(normal.cov().item(), 12)
    (5.0, 4.0)
    >>> round(normal.quantile(0.975).item(), 4)
    8.9199
    """

    log_weights: Tensor
    means: Tensor
    factors: Tensor
    diagonal: Tensor

    @property
    def batch_shape(self) -> torch.Size:
        """Leading axes: one mixture for each of their cells."""
        return self.log_weights.shape[:-1]

    @property
    def variances(self) -> Tensor:
        """Variance of each column in each component, shape (..., K, d)."""
        return self.factors.square().sum(dim=-1) + self.diagonal

    def log_prob(self, rows: Tensor) -> Tensor:
        """Log density of rows (..., N, d): shape (..., N); batch axes broadcast, gradients flow."""
        batch = np.broadcast_shapes(self.batch_shape, rows.shape[:-2])
        parameters = (self.log_weights, self.means, self.factors, self.diagonal)
        cells = [_cells(p, self.batch_shape, batch) for p in parameters]
        return mixture_log_prob(_cells(rows, rows.shape[:-2], batch), *cells).reshape(
            *batch, rows.shape[-2]
        )

    def component_log_prob(self, rows: Tensor) -> Tensor:
        """Log density of rows (..., N, d) under each component, weights left out: (..., N, K)."""
        components = GaussianMixture(
            torch.zeros_like(self.log_weights).unsqueeze(-1),  # (..., K, 1)
            self.means.unsqueeze(-2),  # (..., K, 1, d)
            self.factors.unsqueeze(-3),  # (..., K, 1, d, r)
            self.diagonal.unsqueeze(-2),  # (..., K, 1, d)
        )
        return components.log_prob(rows.unsqueeze(-3)).movedim(-2, -1)

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Draw n independent rows of each mixture, shape (..., n, d)."""
        narrow = self.compact()
        K, d, r = narrow.factors.shape[-3:]
        weights = self.log_weights.exp().reshape(-1, K)  # (B, K)
        chosen = torch.multinomial(weights, n, replacement=True, generator=generator)  # (B, n)
        chosen = chosen + K * torch.arange(len(weights), device=chosen.device).unsqueeze(-1)
        cells = weights.numel()  # B * K
        means = narrow.means.reshape(cells, d)[chosen]  # (B, n, d)
        factors = narrow.factors.reshape(cells, d, r)[chosen]  # (B, n, d, r)
        spread = narrow.diagonal.reshape(cells, d)[chosen].sqrt()
        common = torch.randn(
            (*chosen.shape, r), generator=generator, dtype=means.dtype, device=means.device
        )
        own = torch.randn(means.shape, generator=generator, dtype=means.dtype, device=means.device)
        rows = means + (factors @ common.unsqueeze(-1)).squeeze(-1) + spread * own
        return rows.reshape(*self.batch_shape, n, d)

    def mean(self) -> Tensor:
        """Mean, shape (..., d)."""
        return (self.log_weights.exp().unsqueeze(-1) * self.means).sum(dim=-2)

    def cov(self) -> Tensor:
        """Covariance, shape (..., d, d): that within the components plus that of their means."""
        weights = self.log_weights.exp()[..., None, None]  # (..., K, 1, 1)
        apart = (self.means - self.mean().unsqueeze(-2)).unsqueeze(-1)  # (..., K, d, 1)
        within = self.factors @ self.factors.mT + self.diagonal.diag_embed()
        return (weights * (within + apart @ apart.mT)).sum(dim=-3)

    def cdf(self, rows: Tensor) -> Tensor:
        """P(V_j <= rows[..., j]) of each column by itself, for rows (..., N, d): (..., N, d)."""
        scores = rows.unsqueeze(-3) - self.means.unsqueeze(-2)  # (..., K, N, d)
        scores = scores / self.variances.sqrt().unsqueeze(-2)
        weights = self.log_weights.exp()[..., None, None]
        below: Tensor = weights * torch.special.ndtr(scores)  # (..., K, N, d)
        return below.sum(dim=-3).clamp(max=1.0)

    def quantile(self, q: float | Tensor) -> Tensor:
        """Quantile of each column by itself, in float64: (..., d), or (..., Q, d) for q (Q,)."""
        exact = self.to(torch.float64)
        levels = torch.as_tensor(q, dtype=torch.float64, device=self.means.device)
        scores: Tensor = torch.special.ndtri(levels.reshape(-1, 1, 1))  # (Q, 1, 1)
        # the quantile of a mixture lies between the quantiles of its components
        ends = exact.means.unsqueeze(-3) + scores * exact.variances.sqrt().unsqueeze(-3)
        low, high = ends.amin(dim=-2), ends.amax(dim=-2)  # (..., Q, d)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = exact.cdf(middle) < levels.reshape(-1, 1)
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        found = (low + high) / 2
        return found if levels.ndim else found.squeeze(-2)

    def marginal(self, columns: Sequence[int]) -> "GaussianMixture":
        """Mixture of these columns, in this order."""
        at = list(columns)
        return GaussianMixture(
            self.log_weights, self.means[..., at], self.factors[..., at, :], self.diagonal[..., at]
        )

    def condition(self, columns: Sequence[int], values: Tensor) -> "GaussianMixture":
        """Mixture of the other columns where these columns take these values, shape (..., b).

        With V = mu + F e + diag(v)^(1/2) noise, e is N(0, I) a priori and has precision
        P = I + F_b^T diag(v_b)^-1 F_b once V_b is seen; the rest follows through F_a e.
        Exact: each component is reweighted by its density at the values.
        """
        narrow = self.compact()
        seen = narrow.marginal(columns)
        rest = narrow.marginal([j for j in range(self.means.shape[-1]) if j not in set(columns)])
        scaled = seen.factors / seen.diagonal.unsqueeze(-1)  # (..., K, b, r)
        eye = torch.eye(scaled.shape[-1], dtype=scaled.dtype, device=scaled.device)
        root = torch.linalg.cholesky(eye + seen.factors.mT @ scaled)  # P = root root^T
        pull = scaled.mT @ (values.unsqueeze(-2) - seen.means).unsqueeze(-1)  # (..., K, r, 1)
        shift = rest.factors @ torch.cholesky_solve(pull, root)  # (..., K, a, 1)
        narrowed = torch.linalg.solve_triangular(root, rest.factors.mT, upper=False).mT
        density = seen.component_log_prob(values.unsqueeze(-2)).squeeze(-2)  # (..., K)
        log_weights = (self.log_weights + density).log_softmax(dim=-1)
        return GaussianMixture(log_weights, rest.means + shift.squeeze(-1), narrowed, rest.diagonal)

    def modes(self) -> tuple[Tensor, Tensor]:
        """Local maxima of one mixture (no batch axes) and their weights: (M, d) and (M,).

        Every component's mean climbs the density by the fixed-point step of Carreira-Perpinan
        (2000), x <- (sum_k r_k P_k)^-1 sum_k r_k P_k mu_k with responsibilities r and precisions P.
        A mode has the weight of the components that end there; the heaviest comes first.
        """
        unit = self.variances.amin(dim=0).sqrt()  # (d,)
        plain = self.affine(0 * unit, 1 / unit)
        covariance = plain.factors @ plain.factors.mT + plain.diagonal.diag_embed()
        precision = torch.linalg.inv(covariance)  # (K, d, d)
        pull = (precision @ plain.means.unsqueeze(-1)).squeeze(-1)  # (K, d)
        points = plain.means  # (K, d)
        for _ in range(ASCENT_STEPS):
            share = (plain.log_weights + plain.component_log_prob(points)).softmax(dim=-1)
            there = torch.linalg.solve(torch.einsum("nk,kij->nij", share, precision), share @ pull)
            step, points = (there - points).abs().amax(), there
            if step < ASCENT_STOP:
                break
        apart = (points.unsqueeze(1) - points).abs().amax(dim=-1)  # (K, K)
        first = (apart < SAME_MODE).int().argmax(dim=-1)  # (K,) the first component that ends there
        weights = torch.zeros_like(self.log_weights).index_add(0, first, self.log_weights.exp())
        heaviest = weights.argsort(descending=True)[: int((weights > 0).sum())]
        return unit * points[heaviest], weights[heaviest]

    def affine(self, shift: Tensor, scale: Tensor) -> "GaussianMixture":
        """Mixture of shift + scale * V, for shift and scale (..., d)."""
        shift, scale = shift.unsqueeze(-2), scale.unsqueeze(-2)  # (..., 1, d)
        return GaussianMixture(
            self.log_weights,
            shift + scale * self.means,
            scale.unsqueeze(-1) * self.factors,
            scale.square() * self.diagonal,
        )

    def merge(self) -> "GaussianMixture":
        """One mixture from S equally likely ones: weights (..., S, K) become (..., S * K)."""
        equal = log(self.log_weights.shape[-2])
        return GaussianMixture(
            (self.log_weights - equal).flatten(-2),
            self.means.flatten(-3, -2),
            self.factors.flatten(-4, -3),
            self.diagonal.flatten(-3, -2),
        )

    def mixed_with(self, other: "GaussianMixture", share: float) -> "GaussianMixture":
        """Give `share` of the weight, between 0 and 1, to another mixture over the same columns."""
        rank = max(self.factors.shape[-1], other.factors.shape[-1])
        wide = [pad(m.factors, (0, rank - m.factors.shape[-1])) for m in (self, other)]
        weights = self.log_weights + log1p(-share), other.log_weights + log(share)
        return GaussianMixture(
            torch.cat(weights, dim=-1),
            torch.cat([self.means, other.means], dim=-2),
            torch.cat(wide, dim=-3),
            torch.cat([self.diagonal, other.diagonal], dim=-2),
        )

    def compact(self) -> "GaussianMixture":
        """Equal mixture whose factors have at most d columns."""
        d, r = self.factors.shape[-2:]
        if r <= d:
            return self
        # F^T = Q R gives F F^T = R^T R: orthogonal steps on F itself, which is never squared
        factors = torch.linalg.qr(self.factors.mT, mode="r").R.mT
        return GaussianMixture(self.log_weights, self.means, factors, self.diagonal)

    def to(self, target: torch.dtype | torch.device) -> "GaussianMixture":
        """Return the same mixture in another precision or on another device."""
        parameters = (self.log_weights, self.means, self.factors, self.diagonal)
        return GaussianMixture(*(p.to(target) for p in parameters))


def _cells(parameter: Tensor, own: torch.Size, batch: tuple[int, ...]) -> Tensor:
    """Parameter with its batch axes broadcast to `batch` and made one."""
    event = parameter.shape[len(own) :]
    spread = parameter.reshape(*(1,) * (len(batch) - len(own)), *parameter.shape)
    return spread.expand(*batch, *event).reshape(-1, *event)
