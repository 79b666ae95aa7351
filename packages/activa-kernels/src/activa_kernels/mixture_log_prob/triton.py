"""The mixture log density in Triton, float32: one kernel forward, two backward.

With v = u / sqrt(diagonal) and delta = (x - mu) / sqrt(diagonal), r >= d orthonormalises the rows
of [v | I_d] and r < d the columns of [v ; I_r]. That gives the factor of I + v v^T, or I + v^T v,
without forming either, which would square the condition number. Algebra: README.md.
"""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl

from activa_kernels.mixture_log_prob.tiles import tile_for

if TYPE_CHECKING:
    from torch import Tensor


# sizes are never specialised, so that what was compiled ahead of time is what runs
SIZES = ("N", "D", "R", "C")


@triton.jit
def _orthonormal_rows(v, count, SIZE: tl.constexpr):
    """Return L^-1 and L^-1 v for L L^T = I + v v^T, and log det, by Gram-Schmidt on [v | I]."""
    i, j = tl.arange(0, SIZE)[:, None], tl.arange(0, SIZE)[None, :]
    e = tl.where((i == j) & (i < count), 1.0, 0.0)
    log_det = 0.0
    for k in range(count):
        row_v, row_e = tl.sum(tl.where(i == k, v, 0.0), 0), tl.sum(tl.where(i == k, e, 0.0), 0)
        # once more against the rows before: what rounding left of them grows with the condition
        along = tl.sum(v * row_v[None, :], 1) + tl.sum(e * row_e[None, :], 1)
        along = tl.where(i < k, along[:, None], 0.0)
        row_v, row_e = row_v - tl.sum(along * v, 0), row_e - tl.sum(along * e, 0)
        square = tl.sum(row_v * row_v) + tl.sum(row_e * row_e)
        log_det += tl.log(square)
        row_v, row_e = row_v * tl.rsqrt(square), row_e * tl.rsqrt(square)
        along = tl.sum(v * row_v[None, :], 1) + tl.sum(e * row_e[None, :], 1)
        along = tl.where(i > k, along[:, None], 0.0)
        v = tl.where(i == k, row_v[None, :], v - along * row_v[None, :])
        e = tl.where(i == k, row_e[None, :], e - along * row_e[None, :])
    return e, v, log_det


@triton.jit
def _load_component(log_w_ptr, mu_ptr, u_ptr, diagonal_ptr, bc, D, R, log_norm,
                    BLOCK_D: tl.constexpr, BLOCK_R: tl.constexpr, FULL: tl.constexpr):  # fmt: skip
    """Return mu (D), 1 / sqrt(diagonal) (D), the two orthonormal factors and the term's constant.

    Full: L^-1 (D, D) and L^-1 v (D, R). Low rank, transposed: R^-T (R, R) and (v R^-1)^T (R, D).
    """
    d, r = tl.arange(0, BLOCK_D), tl.arange(0, BLOCK_R)
    diagonal = tl.load(diagonal_ptr + bc * D + d, d < D, other=1.0)
    scale = tl.rsqrt(diagonal)
    mu = tl.load(mu_ptr + bc * D + d, d < D, other=0.0)
    if FULL:
        at = (bc * D + d[:, None]) * R + r[None, :]
        v = tl.load(u_ptr + at, (d < D)[:, None] & (r < R)[None, :], other=0.0) * scale[:, None]
        whiten, spread, log_det = _orthonormal_rows(v, D, BLOCK_D)
    else:
        at = (bc * D + d[None, :]) * R + r[:, None]
        v = tl.load(u_ptr + at, (d < D)[None, :] & (r < R)[:, None], other=0.0) * scale[None, :]
        whiten, spread, log_det = _orthonormal_rows(v, R, BLOCK_R)
    log_det += tl.sum(tl.log(diagonal))
    constant = tl.load(log_w_ptr + bc) - log_det / 2 - log_norm
    return mu, scale, whiten, spread, constant


@triton.jit
def _dot(a, b):
    return tl.dot(a, b, input_precision="ieee")  # TF32 keeps three digits


@triton.jit
def _whiten(x, mu, scale, whiten, spread, constant, FULL: tl.constexpr):
    """Return z (N, D), along (N, R; z again where full), and the term (N) of rows x."""
    delta = (x - mu[None, :]) * scale[None, :]
    if FULL:
        z = _dot(delta, tl.trans(whiten))
        along = z
        energy = tl.sum(z * z, 1)
    else:
        inside = _dot(delta, tl.trans(spread))
        z = delta - _dot(inside, spread)
        along = _dot(inside, whiten)
        energy = tl.sum(z * z, 1) + tl.sum(along * along, 1)
    return z, along, constant - energy / 2


@triton.jit
def _solve(z, whiten, scale, FULL: tl.constexpr):
    """Sigma^-1 (x - mu) of every row, (N, D)."""
    if FULL:
        z = _dot(z, whiten)
    return z * scale[None, :]


@triton.jit(do_not_specialize=SIZES)
def _forward(x_ptr, log_w_ptr, mu_ptr, u_ptr, diagonal_ptr, out_ptr, N, D, R, C, log_norm,
             BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_R: tl.constexpr,
             FULL: tl.constexpr):  # fmt: skip
    """out[b, n] = log sum_c w_c N(x_n; mu_c, Sigma_c); one program a (b, block of n)."""
    pid, blocks = tl.program_id(0).to(tl.int64), tl.cdiv(N, BLOCK_N)
    b, n = pid // blocks, (pid % blocks) * BLOCK_N + tl.arange(0, BLOCK_N)
    d = tl.arange(0, BLOCK_D)
    inside = (n < N)[:, None] & (d < D)[None, :]
    x = tl.load(x_ptr + (b * N + n[:, None]) * D + d[None, :], inside, other=0.0)
    top = tl.full([BLOCK_N], float("-inf"), tl.float32)  # running maximum
    total = tl.zeros([BLOCK_N], tl.float32)  # sum of exp(term - top)
    for c in range(C):
        mu, scale, whiten, spread, constant = _load_component(
            log_w_ptr, mu_ptr, u_ptr, diagonal_ptr, b * C + c, D, R, log_norm,
            BLOCK_D, BLOCK_R, FULL)  # fmt: skip
        _, _, term = _whiten(x, mu, scale, whiten, spread, constant, FULL)
        peak = tl.maximum(top, term)
        base = tl.where(peak == float("-inf"), 0.0, peak)  # a weight of zero before any other
        total, top = total * tl.exp(top - base) + tl.exp(term - base), peak
    tl.store(out_ptr + b * N + n, top + tl.log(total), n < N)


@triton.jit(do_not_specialize=SIZES)
def _backward_rows(grad_ptr, x_ptr, log_w_ptr, mu_ptr, u_ptr, diagonal_ptr, out_ptr, grad_x_ptr,
                   N, D, R, C, log_norm,
                   BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_R: tl.constexpr,
                   FULL: tl.constexpr):  # fmt: skip
    """The gradient of x; one program a (b, block of n), as forward."""
    pid, blocks = tl.program_id(0).to(tl.int64), tl.cdiv(N, BLOCK_N)
    b, n = pid // blocks, (pid % blocks) * BLOCK_N + tl.arange(0, BLOCK_N)
    d = tl.arange(0, BLOCK_D)
    inside = (n < N)[:, None] & (d < D)[None, :]
    at = (b * N + n[:, None]) * D + d[None, :]
    x = tl.load(x_ptr + at, inside, other=0.0)
    out = tl.load(out_ptr + b * N + n, n < N, other=float("inf"))  # a row beyond N: share 0
    grad = tl.load(grad_ptr + b * N + n, n < N, other=0.0)
    grad_x = tl.zeros([BLOCK_N, BLOCK_D], tl.float32)
    for c in range(C):
        mu, scale, whiten, spread, constant = _load_component(
            log_w_ptr, mu_ptr, u_ptr, diagonal_ptr, b * C + c, D, R, log_norm,
            BLOCK_D, BLOCK_R, FULL)  # fmt: skip
        z, _, term = _whiten(x, mu, scale, whiten, spread, constant, FULL)
        share = grad * tl.exp(term - out)
        grad_x -= share[:, None] * _solve(z, whiten, scale, FULL)
    tl.store(grad_x_ptr + at, grad_x, inside)


@triton.jit(do_not_specialize=SIZES)
def _backward_component(grad_ptr, x_ptr, log_w_ptr, mu_ptr, u_ptr, diagonal_ptr, out_ptr,
                        grad_log_w_ptr, grad_mu_ptr, grad_u_ptr, grad_diagonal_ptr,
                        N, D, R, C, log_norm,
                        BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_R: tl.constexpr,
                        FULL: tl.constexpr):  # fmt: skip
    """The other gradients; one program a (b, c), rows in order, so that sums are reproducible."""
    bc = tl.program_id(0).to(tl.int64)
    b, d, r = bc // C, tl.arange(0, BLOCK_D), tl.arange(0, BLOCK_R)
    mu, scale, whiten, spread, constant = _load_component(
        log_w_ptr, mu_ptr, u_ptr, diagonal_ptr, bc, D, R, log_norm,
        BLOCK_D, BLOCK_R, FULL)  # fmt: skip
    weight = tl.zeros([BLOCK_N], tl.float32)
    mean = tl.zeros([BLOCK_D], tl.float32)
    squares = tl.zeros([BLOCK_D], tl.float32)
    outer = tl.zeros([BLOCK_D, BLOCK_D if FULL else BLOCK_R], tl.float32)
    for start in range(0, N, BLOCK_N):
        n = start + tl.arange(0, BLOCK_N)
        inside = (n < N)[:, None] & (d < D)[None, :]
        x = tl.load(x_ptr + (b * N + n[:, None]) * D + d[None, :], inside, other=0.0)
        out = tl.load(out_ptr + b * N + n, n < N, other=float("inf"))  # a row beyond N: share 0
        grad = tl.load(grad_ptr + b * N + n, n < N, other=0.0)
        z, along, term = _whiten(x, mu, scale, whiten, spread, constant, FULL)
        share = grad * tl.exp(term - out)
        weight += share
        mean += tl.sum(share[:, None] * _solve(z, whiten, scale, FULL), 0)
        shared = share[:, None] * z
        squares += tl.sum(shared * z, 0)
        outer += _dot(tl.trans(shared), along)
    total = tl.sum(weight)
    eye = (d[:, None] == d[None, :]).to(tl.float32)
    if FULL:  # grad u = L^-T (outer - total I) L^-1 u
        left = _dot(tl.trans(whiten), outer - total * eye)
        grad_u = _dot(left, spread)
        grad_diagonal = tl.sum(left * tl.trans(whiten), 1)
    else:  # the diagonal of (I + v v^T)^-1 as a sum of squares: 1 - |.|^2 would cancel
        left = _dot(tl.trans(spread), whiten)
        grad_u = outer - total * left
        rest = eye - _dot(tl.trans(spread), spread)
        grad_diagonal = squares - total * (tl.sum(rest * rest, 1) + tl.sum(left * left, 1))
    tl.store(grad_log_w_ptr + bc, total)
    tl.store(grad_mu_ptr + bc * D + d, mean, d < D)
    tl.store(grad_diagonal_ptr + bc * D + d, grad_diagonal * scale * scale / 2, d < D)
    tl.store(grad_u_ptr + (bc * D + d[:, None]) * R + r[None, :], grad_u * scale[:, None],
             (d < D)[:, None] & (r < R)[None, :])  # fmt: skip


def forward(
    x: Tensor, log_weights: Tensor, means: Tensor, factors: Tensor, diagonal: Tensor
) -> Tensor:
    """Launch on contiguous float32 tensors that a tile holds; `op.py` has checked them."""
    out = x.new_empty(x.shape[:2])
    sizes, tile = _sizes(x, factors), _tile(factors)
    blocks = triton.cdiv(x.shape[1], tile["BLOCK_N"])
    if out.numel() > 0:
        inputs = (x, log_weights, means, factors, diagonal)
        _forward[(x.shape[0] * blocks,)](*inputs, out, *sizes, **tile)
    return out


def backward(
    grad_out: Tensor,
    out: Tensor,
    x: Tensor,
    log_weights: Tensor,
    means: Tensor,
    factors: Tensor,
    diagonal: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the gradients of the five inputs, given the (B, N) output and its gradient."""
    inputs = (x, log_weights, means, factors, diagonal)
    grad_x = torch.empty_like(x)
    others = (
        torch.empty_like(log_weights),
        torch.empty_like(means),
        torch.empty_like(factors),
        torch.empty_like(diagonal),
    )
    sizes, tile = _sizes(x, factors), _tile(factors)
    blocks = triton.cdiv(x.shape[1], tile["BLOCK_N"])
    if grad_x.numel() > 0:
        _backward_rows[(x.shape[0] * blocks,)](grad_out, *inputs, out, grad_x, *sizes, **tile)
    if factors.numel() > 0:
        _backward_component[(log_weights.numel(),)](grad_out, *inputs, out, *others, *sizes, **tile)
    return grad_x, *others


def _sizes(x: Tensor, factors: Tensor) -> tuple[int, int, int, int, float]:
    _, C, d, r = factors.shape
    return x.shape[1], d, r, C, d / 2 * log(2 * pi)


def _tile(factors: Tensor) -> dict[str, int]:
    tile = tile_for(*factors.shape[2:])
    assert tile is not None
    return {
        "BLOCK_N": tile.rows,
        "BLOCK_D": tile.dimension,
        "BLOCK_R": tile.rank,
        "FULL": tile.full,
        "num_warps": tile.warps,
        "enable_fp_fusion": True,
    }
