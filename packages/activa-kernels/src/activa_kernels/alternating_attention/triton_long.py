"""Attention within sequences that no tile holds, in Triton: a running maximum over blocks of keys.

A program takes ROWS rows of a sequence and one head. No matrix of a whole sequence is formed; what
padding follows a sequence is skipped.
"""

from __future__ import annotations

import triton
import triton.language as tl

from activa_kernels.alternating_attention.triton_parts import NEVER, SIZES, product


@triton.jit
def long_sequence(program, S, N, D, n_obs_ptr, n_vars_ptr,
                  ROWS: tl.constexpr, HEADS: tl.constexpr, OVER_SAMPLES: tl.constexpr):  # fmt: skip
    """Place of a program: its head and first row; first token, step and real length of its sequence."""
    blocks = tl.cdiv(S, ROWS)
    head, program = (program % HEADS).to(tl.int32), program // HEADS
    start, sequence = (program % blocks).to(tl.int32) * ROWS, program // blocks
    others = D if OVER_SAMPLES else N
    b, other = sequence // others, sequence % others
    obs, variables = N, D
    if n_obs_ptr is not None:
        obs = tl.load(n_obs_ptr + b).to(tl.int32)
    if n_vars_ptr is not None:
        variables = tl.load(n_vars_ptr + b).to(tl.int32)
    if OVER_SAMPLES:
        first, step = b * N * D + other, D
        length = tl.where(other < variables, obs, 0)
    else:
        first, step = sequence * D, 1
        length = tl.where(other < obs, variables, 0)
    return head, start, first, step, length


@triton.jit(do_not_specialize=SIZES)
def long_attention(
    query_key_value_ptr, inputs_ptr, log_sum_ptr, n_obs_ptr, n_vars_ptr, N, D, S, scale,
    ROWS: tl.constexpr, E: tl.constexpr, HEADS: tl.constexpr, OVER_SAMPLES: tl.constexpr,
):  # fmt: skip
    """Attend with ROWS queries of a sequence and head: the second input and log_sum (T, HEADS)."""
    program = tl.program_id(0).to(tl.int64)
    head, start, first, step, length = long_sequence(
        program, S, N, D, n_obs_ptr, n_vars_ptr, ROWS, HEADS, OVER_SAMPLES)  # fmt: skip
    HEAD: tl.constexpr = E // HEADS
    row, column = start + tl.arange(0, ROWS), tl.arange(0, HEAD)
    token = first + row.to(tl.int64) * step
    heads = query_key_value_ptr + head * HEAD
    at = token[:, None] * (3 * E) + column[None, :]
    query = tl.load(heads + at, (row < length)[:, None], other=0.0)
    top = tl.full([ROWS], NEVER, tl.float32)  # running maximum
    total = tl.zeros([ROWS], tl.float32)  # sum of exp(score - top)
    attended = tl.zeros([ROWS, HEAD], tl.float32)
    for other in range(0, length, ROWS):
        place = other + tl.arange(0, ROWS)
        at = (first + place.to(tl.int64) * step)[:, None] * (3 * E) + column[None, :]
        exists = place < length
        key = tl.load(heads + E + at, exists[:, None], other=0.0)
        value = tl.load(heads + 2 * E + at, exists[:, None], other=0.0)
        scores = tl.where(exists[None, :], product(query, tl.trans(key)) * scale, NEVER)
        peak = tl.maximum(top, tl.max(scores, 1))
        shares, shrink = tl.exp(scores - peak[:, None]), tl.exp(top - peak)
        total, top = total * shrink + tl.sum(shares, 1), peak
        attended = attended * shrink[:, None] + product(shares.to(value.dtype), value)
    total = tl.where(row < length, total, 1.0)
    attended = tl.where((row < length)[:, None], attended / total[:, None], 0.0)
    at = token[:, None] * (2 * E) + E + head * HEAD + column[None, :]
    tl.store(inputs_ptr + at, attended.to(inputs_ptr.dtype.element_ty), (row < S)[:, None])
    tl.store(log_sum_ptr + token * HEADS + head, top + tl.log(total), row < S)


@triton.jit(do_not_specialize=SIZES)
def long_query_gradients(
    query_key_value_ptr, grad_attended_ptr, log_sum_ptr, along_ptr, gradients_ptr,
    n_obs_ptr, n_vars_ptr, N, D, S, scale,
    ROWS: tl.constexpr, E: tl.constexpr, HEADS: tl.constexpr, OVER_SAMPLES: tl.constexpr,
):  # fmt: skip
    """Gradients of ROWS queries of a sequence and head, the first of (T, 4, E), over all keys."""
    program = tl.program_id(0).to(tl.int64)
    head, start, first, step, length = long_sequence(
        program, S, N, D, n_obs_ptr, n_vars_ptr, ROWS, HEADS, OVER_SAMPLES)  # fmt: skip
    HEAD: tl.constexpr = E // HEADS
    row, column = start + tl.arange(0, ROWS), head * HEAD + tl.arange(0, HEAD)
    token, exists = first + row.to(tl.int64) * step, row < length
    at = token[:, None] * (3 * E) + column[None, :]
    query = tl.load(query_key_value_ptr + at, exists[:, None], other=0.0)
    at = token[:, None] * E + column[None, :]
    upstream = tl.load(grad_attended_ptr + at, exists[:, None], other=0.0)
    log_sum = tl.load(log_sum_ptr + token * HEADS + head, exists, other=0.0)
    along = tl.load(along_ptr + token * HEADS + head, exists, other=0.0)
    grad = tl.zeros([ROWS, HEAD], tl.float32)
    for other in range(0, length, ROWS):
        place = other + tl.arange(0, ROWS)
        at = (first + place.to(tl.int64) * step)[:, None] * (3 * E) + column[None, :]
        there = place < length
        key = tl.load(query_key_value_ptr + E + at, there[:, None], other=0.0)
        value = tl.load(query_key_value_ptr + 2 * E + at, there[:, None], other=0.0)
        scores = tl.where(there[None, :], product(query, tl.trans(key)) * scale, NEVER)
        shares = tl.exp(scores - log_sum[:, None])
        slope = shares * (product(upstream, tl.trans(value)) - along[:, None]) * scale
        grad += product(slope.to(key.dtype), key)
    at = token[:, None] * (4 * E) + column[None, :]
    tl.store(gradients_ptr + at, grad.to(gradients_ptr.dtype.element_ty), (row < S)[:, None])


@triton.jit(do_not_specialize=SIZES)
def long_key_value_gradients(
    query_key_value_ptr, grad_attended_ptr, log_sum_ptr, along_ptr, gradients_ptr,
    n_obs_ptr, n_vars_ptr, N, D, S, scale,
    ROWS: tl.constexpr, E: tl.constexpr, HEADS: tl.constexpr, OVER_SAMPLES: tl.constexpr,
):  # fmt: skip
    """Gradients of ROWS keys and values, second and third of (T, 4, E), over all queries."""
    program = tl.program_id(0).to(tl.int64)
    head, start, first, step, length = long_sequence(
        program, S, N, D, n_obs_ptr, n_vars_ptr, ROWS, HEADS, OVER_SAMPLES)  # fmt: skip
    HEAD: tl.constexpr = E // HEADS
    row, column = start + tl.arange(0, ROWS), head * HEAD + tl.arange(0, HEAD)
    token, exists = first + row.to(tl.int64) * step, row < length
    at = token[:, None] * (3 * E) + column[None, :]
    key = tl.load(query_key_value_ptr + E + at, exists[:, None], other=0.0)
    value = tl.load(query_key_value_ptr + 2 * E + at, exists[:, None], other=0.0)
    grad_key = tl.zeros([ROWS, HEAD], tl.float32)
    grad_value = tl.zeros([ROWS, HEAD], tl.float32)
    for other in range(0, length, ROWS):
        place = other + tl.arange(0, ROWS)
        source = first + place.to(tl.int64) * step
        there = place < length
        at = source[:, None] * (3 * E) + column[None, :]
        query = tl.load(query_key_value_ptr + at, there[:, None], other=0.0)
        at = source[:, None] * E + column[None, :]
        upstream = tl.load(grad_attended_ptr + at, there[:, None], other=0.0)
        log_sum = tl.load(log_sum_ptr + source * HEADS + head, there, other=0.0)
        along = tl.load(along_ptr + source * HEADS + head, there, other=0.0)
        mask = exists[:, None] & there[None, :]  # transposed: a row is a key, a column a query
        scores = tl.where(mask, product(key, tl.trans(query)) * scale, NEVER)
        shares = tl.exp(scores - log_sum[None, :])
        slope = shares * (product(value, tl.trans(upstream)) - along[None, :]) * scale
        grad_key += product(slope.to(key.dtype), query)
        grad_value += product(shares.to(key.dtype), upstream)
    at = token[:, None] * (4 * E) + column[None, :]
    kind = gradients_ptr.dtype.element_ty
    tl.store(gradients_ptr + E + at, grad_key.to(kind), (row < S)[:, None])
    tl.store(gradients_ptr + 2 * E + at, grad_value.to(kind), (row < S)[:, None])
