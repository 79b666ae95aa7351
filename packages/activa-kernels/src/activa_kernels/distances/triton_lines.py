"""Optimal transport between sorted points on lines in Triton: its cost, and the slope at a point.

On a line mass keeps its order: the share of point i lies between the cumulative masses before and
after it, and what it has in common with that of point j moves from i to j.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl

from activa_kernels.distances.tiles import LINE
from activa_kernels.distances.torch_reference import rounding_of

if TYPE_CHECKING:
    from torch import Tensor

SIZES = ("N", "M", "BLOCKS", "A_STEP", "B_STEP")  # never specialised


@triton.jit
def _cost(gap, power, POWER: tl.constexpr, SLOPE: tl.constexpr):
    """|gap|^p, or its derivative; POWER is p where that is 1 or 2, else 0."""
    size = tl.abs(gap)
    if POWER == 2:
        value = 2.0 * gap if SLOPE else gap * gap
    else:
        sign = tl.where(gap > 0.0, 1.0, tl.where(gap < 0.0, -1.0, gap))  # NaN stays NaN
        if POWER == 1:
            value = sign if SLOPE else size
        else:
            logarithm = tl.log2(tl.where(size > 0.0, size, 1.0))
            if SLOPE:
                value = sign * power * tl.exp2((power - 1.0) * logarithm)
            else:
                value = tl.where(size > 0.0, tl.exp2(power * logarithm), size)
    return value


@triton.jit
def _first_ending_after(ends_ptr, mass, M):
    """The first of M points whose share ends after a mass, by bisection."""
    low, high = M * 0, M
    while low < high:
        middle = (low + high) // 2
        if tl.load(ends_ptr + middle) > mass:
            high = middle
        else:
            low = middle + 1
    return low


@triton.jit(do_not_specialize=SIZES)
def lines(x_ptr, y_ptr, a_ptr, b_ptr, grad_ptr, out_ptr, N, M, A_STEP, B_STEP, BLOCKS, power, least,
          POWER: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):  # fmt: skip
    """out[line, block] = cost of the mass in a block of x; with grad (lines), the slope at each x.

    a and b are the cumulative masses, a row for all lines (step 0) or for each. Without them the
    samples have equally many points of one mass, and the i-th goes to the i-th.
    """
    pid = tl.program_id(0).to(tl.int64)
    line, start = pid // BLOCKS, pid % BLOCKS * ROWS
    SLOPE: tl.constexpr = grad_ptr is not None
    i = start + tl.arange(0, ROWS)
    inside = i < N
    x = tl.load(x_ptr + line * N + i, inside, other=0.0)
    total = tl.zeros([ROWS], tl.float64)
    if a_ptr is None:
        y = tl.load(y_ptr + line * M + i, inside, other=0.0)
        total += _cost(x - y, power, POWER, SLOPE).to(tl.float64) / N
    else:
        a_ptr += line * A_STEP
        b_ptr += line * B_STEP
        before = tl.load(a_ptr + i - 1, inside & (i > 0), other=0.0)
        after = tl.load(a_ptr + i, inside, other=0.0)
        first = tl.load(a_ptr + start - 1, start > 0, other=0.0)
        last = tl.load(a_ptr + tl.minimum(start + ROWS, N) - 1)
        begin = _first_ending_after(b_ptr, first, M)
        reached = tl.load(b_ptr + begin - 1, begin > 0, other=0.0)
        while (begin < M) & (reached < last):
            j = begin + tl.arange(0, COLUMNS)
            here = j < M
            y = tl.load(y_ptr + line * M + j, here, other=0.0)
            low = tl.load(b_ptr + j - 1, here & (j > 0), other=0.0)
            high = tl.load(b_ptr + j, here, other=0.0)
            common = tl.minimum(after[:, None], high[None, :])
            common -= tl.maximum(before[:, None], low[None, :])
            common = tl.where(common < least, 0.0, common)  # what rounding left of a step
            cost = _cost(x[:, None] - y[None, :], power, POWER, SLOPE)
            total += tl.sum(common * cost.to(tl.float64), 1)
            begin += COLUMNS
            reached = tl.load(b_ptr + tl.minimum(begin, M) - 1)
    if SLOPE:
        slope = (total * tl.load(grad_ptr + line)).to(tl.float32)
        tl.store(out_ptr + line * N + i, slope, inside)
    else:
        tl.store(out_ptr + pid, tl.sum(tl.where(inside, total, 0.0)))


def costs(x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None, p: float) -> Tensor:
    """Return W_p^p, float64 (L,), of sorted float32 points (L, n) and (L, m).

    a and b are cumulative masses in float64, (1, n) or (L, n) and so on; or None, where n = m.
    """
    partial = _launch(x, y, a, b, None, p)
    return partial.sum(dim=-1)


def gradients(
    grad: Tensor, x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None, p: float
) -> tuple[Tensor, Tensor]:
    """Return the gradients of x and of y, given that of the costs, float64 (L,)."""
    grad_x = _launch(x, y, a, b, grad, p)
    return grad_x, -grad_x if a is None else _launch(y, x, b, a, grad, p)


def _launch(
    x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None, grad: Tensor | None, p: float
) -> Tensor:
    count, n = x.shape
    m = y.shape[1]
    blocks = triton.cdiv(n, LINE.rows)
    of_blocks = x.new_empty((count, blocks), dtype=torch.float64)
    out = of_blocks if grad is None else torch.empty_like(x)
    steps = [0 if ends is None or len(ends) == 1 else ends.shape[1] for ends in (a, b)]
    if count > 0:
        lines[(count * blocks,)](
            x, y, a, b, grad, out, n, m, *steps, blocks, float(p), rounding_of(n + m),
            POWER=int(p) if p in (1, 2) else 0, ROWS=LINE.rows, COLUMNS=LINE.columns,
            num_warps=LINE.warps, enable_fp_fusion=True,
        )  # fmt: skip
    return out
