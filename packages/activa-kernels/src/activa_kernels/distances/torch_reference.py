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
    square, order = squares(rows, rows).flatten(1).sort(dim=1)  # (P, N^2)
    # N rows that meet themselves come first, then each pair twice
    places = [N + 2 * ((unordered - 1) // 2), N + 2 * (unordered // 2)]
    middle = order[:, places]
    return middle // N, middle % N, (square > 0).sum(dim=1)
