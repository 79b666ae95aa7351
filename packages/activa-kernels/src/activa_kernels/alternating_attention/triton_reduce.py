"""Sums over rows of partial sums in a fixed order, and narrow copies of matrices, in Triton."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit(do_not_specialize=("HIDDEN", "hidden_rows", "quarter_rows", "tile_rows"))
def weight_gradients(
    hidden_ptr, quarter_ptr, feed_forward_ptr, attention_ptr,
    attention_norm_weight, attention_norm_bias, query_key_value_weight, query_key_value_bias,
    projection_weight, projection_bias, feed_forward_norm_weight, feed_forward_norm_bias,
    hidden_weight, hidden_bias, output_weight, output_bias,
    HIDDEN, hidden_rows, quarter_rows, tile_rows,
    E: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """Add the rows that the kernels of `triton_backward.py` wrote; a program adds BLOCK columns."""
    block = tl.program_id(0)
    width = HIDDEN // 16 * 16
    size, rows = width * (2 * E + 1), hidden_rows
    block = add(block, hidden_ptr, size, rows, hidden_weight, width * E, BLOCK, ROWS)
    at = hidden_ptr + width * E
    block = add(block, at, size, rows, output_weight, width * E, BLOCK, ROWS)
    block = add(block, at + width * E, size, rows, hidden_bias, width, BLOCK, ROWS)
    size, rows = 4 * E * (E + 1), quarter_rows
    block = add(block, quarter_ptr, size, rows, query_key_value_weight, 3 * E * E, BLOCK, ROWS)
    at = quarter_ptr + 3 * E * E
    block = add(block, at, size, rows, projection_weight, E * E, BLOCK, ROWS)
    block = add(block, at + E * E, size, rows, query_key_value_bias, 3 * E, BLOCK, ROWS)
    block = add(block, at + E * (E + 3), size, rows, projection_bias, E, BLOCK, ROWS)
    size, rows, at = 3 * E, tile_rows, feed_forward_ptr
    block = add(block, at, size, rows, feed_forward_norm_weight, E, BLOCK, ROWS)
    block = add(block, at + E, size, rows, feed_forward_norm_bias, E, BLOCK, ROWS)
    block = add(block, at + 2 * E, size, rows, output_bias, E, BLOCK, ROWS)
    size, at = 2 * E, attention_ptr
    block = add(block, at, size, rows, attention_norm_weight, E, BLOCK, ROWS)
    block = add(block, at + E, size, rows, attention_norm_bias, E, BLOCK, ROWS)


@triton.jit(do_not_specialize=("HIDDEN",))
def narrow_matrices(
    query_key_value_ptr, projection_ptr, hidden_ptr, output_ptr, narrow_ptr, HIDDEN,
    E: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Copy the four matrices, one after another, into the type of `narrow_ptr`."""
    block, at = tl.program_id(0), narrow_ptr
    width = HIDDEN // 16 * 16
    block = add(block, query_key_value_ptr, 0, 1, at, 3 * E * E, BLOCK, 1)
    block = add(block, projection_ptr, 0, 1, at + 3 * E * E, E * E, BLOCK, 1)
    block = add(block, hidden_ptr, 0, 1, at + 4 * E * E, width * E, BLOCK, 1)
    block = add(block, output_ptr, 0, 1, at + 4 * E * E + width * E, width * E, BLOCK, 1)


@triton.jit
def add(block, partial_ptr, size, rows, out_ptr, length, BLOCK: tl.constexpr, ROWS: tl.constexpr):
    """Sum the rows of one block of columns if it is among these; else number it among the next."""
    blocks = tl.cdiv(length, BLOCK)
    if (block >= 0) & (block < blocks):
        i = block * BLOCK + tl.arange(0, BLOCK)
        total = tl.zeros([BLOCK], tl.float32)
        for first in range(0, rows, ROWS):
            row = first + tl.arange(0, ROWS)
            at = row.to(tl.int64)[:, None] * size + i[None, :]
            mask = (row < rows)[:, None] & (i < length)[None, :]
            total += tl.sum(tl.load(partial_ptr + at, mask, other=0.0), 0)
        tl.store(out_ptr + i, total.to(out_ptr.dtype.element_ty), i < length)
    return block - blocks
