"""Sums over pairs of rows in Triton: one kernel forward for all three terms, one backward.

Differences are taken in float32, tiles of them summed in float32, tiles and rows in float64. No
matrix of pairs is ever stored. The two samples of a pair lie one after the other, (P, n + m, d).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl

from activa_kernels.distances.tiles import WIDTH, tile_for

if TYPE_CHECKING:
    from typing import Any

    from torch import Tensor

# sizes are never specialised, so that what was compiled ahead of time is what runs
SIZES = ("N", "M", "D", "K", "BLOCKS", "GROUPS")
TERMS = 3  # of x and y, of x and x, of y and y


@triton.jit
def _squares(z_ptr, row, row_in, column, column_in, D,
             ROWS: tl.constexpr, COLUMNS: tl.constexpr):  # fmt: skip
    """Squared distances (ROWS, COLUMNS); differences first, as |x|^2 + |y|^2 - 2xy loses close rows."""
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    for c in range(D):
        here = tl.load(z_ptr + row * D + c, row_in, other=0.0)
        there = tl.load(z_ptr + column * D + c, column_in, other=0.0)
        gap = here[:, None] - there[None, :]
        total += gap * gap
    return total


@triton.jit(do_not_specialize=SIZES)
def pair_sums(z_ptr, w_ptr, factor_ptr, out_ptr, N, M, D, K, BLOCKS,
              DERIVATIVE: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):  # fmt: skip
    """out[p, k, term, block] = sum_ij w_i w_j k(z_i, z_j) over the rows i of a block.

    The kernel is r without factors, else exp(-factor r^2), or r^2 times that (DERIVATIVE).
    """
    pid = tl.program_id(0).to(tl.int64)
    block, term, pk = pid % BLOCKS, pid // BLOCKS % 3, pid // (3 * BLOCKS)
    base = pk // K * (N + M)
    first, count = tl.where(term == 2, N, 0), tl.where(term == 2, M, N)
    other, others = tl.where(term == 1, 0, N), tl.where(term == 1, N, M)
    i = block * ROWS + tl.arange(0, ROWS)
    row, row_in = base + first + i, i < count
    others = tl.where(block * ROWS < count, others, 0)  # the larger sample has more blocks
    sums = tl.zeros([ROWS], tl.float64)
    for start in range(0, others, COLUMNS):
        j = start + tl.arange(0, COLUMNS)
        column, column_in = base + other + j, j < others
        weight = tl.load(w_ptr + column, column_in, other=0.0).to(tl.float32)
        square = _squares(z_ptr, row, row_in, column, column_in, D, ROWS, COLUMNS)
        if factor_ptr is None:
            value = tl.sqrt(square)
        else:
            value = tl.exp(-square * tl.load(factor_ptr + pk))
            if DERIVATIVE:
                value *= square
        value += square - square  # NaN, not the zero or infinity of an infinite distance
        sums += tl.sum(value * weight[None, :], 1).to(tl.float64)
    own = tl.load(w_ptr + row, row_in, other=0.0)
    tl.store(out_ptr + pid, tl.sum(sums * own))


@triton.jit(do_not_specialize=SIZES)
def pair_gradients(z_ptr, w_ptr, factor_ptr, grad_ptr, grad_z_ptr, grad_w_ptr,
                   N, M, D, K, BLOCKS, GROUPS,
                   ROWS: tl.constexpr, COLUMNS: tl.constexpr, WIDTH: tl.constexpr):  # fmt: skip
    """Gradients of rows and weights, given those of the terms, (P, K, 3).

    One program a (pair, group of WIDTH variables, sample, block of rows).
    """
    pid = tl.program_id(0).to(tl.int64)
    block, side = pid % BLOCKS, pid // BLOCKS % 2
    group, p = pid // (2 * BLOCKS) % GROUPS, pid // (2 * BLOCKS * GROUPS)
    base = p * (N + M)
    i = block * ROWS + tl.arange(0, ROWS)
    count = tl.where(side == 0, N, M)
    row, row_in = base + side * N + i, i < count
    variable = group * WIDTH + tl.arange(0, WIDTH)
    grad_z = tl.zeros([ROWS, WIDTH], tl.float32)
    grad_w = tl.zeros([ROWS], tl.float32)
    for half in range(2):
        others = tl.where(block * ROWS < count, tl.where(half == 0, N, M), 0)
        term = tl.where(half == side, 1 + side, 0)
        times = tl.where(half == side, 2.0, 1.0)  # a row meets its own sample from both ends
        for start in range(0, others, COLUMNS):
            j = start + tl.arange(0, COLUMNS)
            column, column_in = base + half * N + j, j < others
            weight = tl.load(w_ptr + column, column_in, other=0.0).to(tl.float32)
            square = _squares(z_ptr, row, row_in, column, column_in, D, ROWS, COLUMNS)
            if factor_ptr is None:
                upstream = times * tl.load(grad_ptr + p * 3 + term)
                value = upstream * tl.sqrt(square)
                apart = square > 0.0  # equal rows have no slope
                slope = tl.where(apart, upstream * tl.rsqrt(tl.where(apart, square, 1.0)), 0.0)
            else:
                value = tl.zeros([ROWS, COLUMNS], tl.float32)
                slope = tl.zeros([ROWS, COLUMNS], tl.float32)
                for k in range(K):
                    factor = tl.load(factor_ptr + p * K + k)
                    upstream = times * tl.load(grad_ptr + (p * K + k) * 3 + term)
                    kernel = upstream * tl.exp(-square * factor)
                    value += kernel
                    slope -= 2.0 * factor * kernel
            grad_w += tl.sum(value * weight[None, :], 1)
            slope *= weight[None, :]
            for c in range(group * WIDTH, tl.minimum((group + 1) * WIDTH, D)):
                here = tl.load(z_ptr + row * D + c, row_in, other=0.0)
                there = tl.load(z_ptr + column * D + c, column_in, other=0.0)
                along = tl.sum(slope * (here[:, None] - there[None, :]), 1)
                grad_z += tl.where(variable[None, :] == c, along[:, None], 0.0)
    own = tl.load(w_ptr + row, row_in, other=0.0).to(tl.float32)
    inside = row_in[:, None] & (variable < D)[None, :]
    tl.store(grad_z_ptr + row[:, None] * D + variable[None, :], grad_z * own[:, None], inside)
    if group == 0:
        tl.store(grad_w_ptr + row, grad_w.to(tl.float64), row_in)


def sums(
    z: Tensor, w: Tensor, factors: Tensor | None, n: int, *, derivative: bool = False
) -> Tensor:
    """Return the terms, float64 (P, K, 3); with `derivative` those of r^2 times the kernel.

    Takes contiguous z (P, n + m, d) and factors (P, K), or None, in float32 and w (P, n + m) in
    float64, which `torch_op.py` has checked.
    """
    P, pooled, d = z.shape
    K = 1 if factors is None else factors.shape[1]
    tile = tile_for(n, pooled - n)
    blocks = triton.cdiv(max(n, pooled - n), tile.rows)
    out = w.new_empty((P, K, TERMS, blocks))
    if out.numel() > 0:
        pair_sums[(out.numel(),)](
            z, w, factors, out, n, pooled - n, d, K, blocks, DERIVATIVE=derivative, **_options(tile)
        )
    return out.sum(dim=-1)


def gradients(
    grad: Tensor, z: Tensor, w: Tensor, factors: Tensor | None, n: int
) -> tuple[Tensor, Tensor]:
    """Return the gradients of z and of w, given that of the terms, float32 (P, K, 3)."""
    P, pooled, d = z.shape
    K = 1 if factors is None else factors.shape[1]
    tile = tile_for(n, pooled - n)
    blocks = triton.cdiv(max(n, pooled - n), tile.rows)
    groups = triton.cdiv(d, WIDTH)
    grad_z, grad_w = torch.empty_like(z), torch.empty_like(w)
    if z.numel() > 0:
        pair_gradients[(P * groups * 2 * blocks,)](
            z, w, factors, grad, grad_z, grad_w, n, pooled - n, d, K, blocks, groups,
            WIDTH=WIDTH, **_options(tile),
        )  # fmt: skip
    return grad_z, grad_w


def _options(tile: Any) -> dict[str, Any]:
    return {
        "ROWS": tile.rows,
        "COLUMNS": tile.columns,
        "num_warps": tile.warps,
        "enable_fp_fusion": True,
    }
