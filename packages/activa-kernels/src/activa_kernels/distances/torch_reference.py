"""Sums over distances in plain PyTorch: the definition of what the Triton kernels compute."""

from __future__ import annotations

import torch
from torch import Tensor


def terms(z: Tensor, w: Tensor, factors: Tensor | None, n: int) -> Tensor:
    """Return sum_ij w_i w_j k(z_i, z_j) of x and y, of x and x, of y and y, (P, K, 3).

    Takes rows (P, n + m, d), x before y, and their weights (P, n + m). The kernel is the distance r
    without factors, with K = 1, else exp(-factor r^2) for each of the factors (P, K).
    """
    x, y, a, b = z[:, :n], z[:, n:], w[:, :n], w[:, n:]
    pairs = ((x, y, a, b), (x, x, a, a), (y, y, b, b))
    return torch.stack([_term(*pair, factors) for pair in pairs], dim=-1)


def _term(x: Tensor, y: Tensor, a: Tensor, b: Tensor, factors: Tensor | None) -> Tensor:
    square = squares(x, y)[:, None]  # (P, 1, n, m)
    kernel = root(square) if factors is None else (-factors[:, :, None, None] * square).exp()
    kernel = kernel + (square - square)  # NaN, not the zero or infinity of an infinite distance
    return torch.einsum("pi,pkij,pj->pk", a, kernel, b)


def squares(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances of all rows, (P, n, d) and (P, m, d) -> (P, n, m), differences first."""
    return (x[:, :, None] - y[:, None]).square().sum(dim=-1)


def root(square: Tensor) -> Tensor:
    """Return the root, without slope at zero."""
    positive = square != 0
    return torch.where(positive, torch.where(positive, square, 1.0).sqrt(), 0.0)


def middle_pairs(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Find, of all pairs of rows, those with the middle distance; (P, N, d) with N > 1.

    Returns
    -------
    i, j : Tensor of int64, shape (P, 2)
        The pairs on both sides of the middle, twice the same where one is in it.
    positive : Tensor, shape (P,)
        The number of ordered pairs with a positive distance.
    """
    N = rows.shape[1]
    unordered = N * (N - 1) // 2
    mode = "donot_use_mm_for_euclid_dist"  # which takes differences, and no d times the memory
    distance, order = torch.cdist(rows, rows, compute_mode=mode).flatten(1).sort(dim=1)  # (P, N^2)
    # N rows that meet themselves come first, then each pair twice
    places = [N + 2 * ((unordered - 1) // 2), N + 2 * (unordered // 2)]
    middle = order[:, places]
    return middle // N, middle % N, (distance > 0).sum(dim=1)


def transport_on_lines(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: float) -> Tensor:
    """W_p^p of sorted points (P, K, n) and (P, K, m) with masses of their shapes, (P, K).

    Between two steps of either quantile function both stay, each at the point whose step comes next.
    """
    n, m = x.shape[-1], y.shape[-1]
    ends = torch.cat([a.cumsum(dim=-1), b.cumsum(dim=-1)], dim=-1)  # (P, K, n + m)
    steps, order = ends.sort(dim=-1, stable=True)
    from_x = order < n
    at_x = (from_x.cumsum(dim=-1) - from_x.long()).clamp(max=n - 1)
    at_y = ((~from_x).cumsum(dim=-1) - (~from_x).long()).clamp(max=m - 1)
    widths = torch.diff(steps, dim=-1, prepend=torch.zeros_like(steps[..., :1]))
    widths = torch.where(widths < rounding_of(n + m), 0.0, widths)
    gap = x.gather(-1, at_x) - y.gather(-1, at_y)
    return (widths * _cost(gap, p)).sum(dim=-1)


def matched_on_lines(x: Tensor, y: Tensor, p: float) -> Tensor:
    """W_p^p of equally many sorted points of one mass, (P, K, n) each: the i-th goes to the i-th."""
    return _cost(x - y, p).mean(dim=-1)


def _cost(gap: Tensor, p: float) -> Tensor:
    return gap.abs() if p == 1 else gap.abs() ** p


def rounding_of(points: int) -> float:
    """Return how far cumulative masses of so many points may be off."""
    return float(4.0 * torch.finfo(torch.float64).eps * points**0.5)
