"""The transformer block backward in Triton, from x and the middle: nothing else was kept.

What weights need is written down in the type of the products: `inputs` (T, 2, E), the normalised x
and the attended values, and `gradients` (T, 4, E), of queries, keys, values and the projection's
output. Where weight gradients are summed, each program takes every so many-th tile and writes a row
of partial sums; `triton_reduce.py` adds the rows, in order.
"""

from __future__ import annotations

import triton
import triton.language as tl

from activa_kernels.alternating_attention.triton_parts import (
    SIZES,
    dropped,
    flat_rows,
    gelu_and_slope,
    layer_norm,
    layer_norm_backward,
    linear,
    load_tokens,
    packed_rows,
    probabilities,
    product,
    store_tokens,
)


@triton.jit(do_not_specialize=SIZES)
def feed_forward_rows(
    grad_ptr, middle_ptr, grad_middle_ptr, inputs_ptr, gradients_ptr, partial_ptr,
    norm_weight, norm_bias, hidden_weight, hidden_bias, output_weight,
    key_ptr, n_obs_ptr, n_vars_ptr, N, D, T, HIDDEN, layer, drop, survivor,
    ROWS: tl.constexpr, CHUNK: tl.constexpr, E: tl.constexpr,
):  # fmt: skip
    """Gradient of the middle; of the norm and the output bias a row (3, E) of sums a program.

    Leaves the normalised middle in `inputs[:, 0]`, the gradient of the output in `gradients[:, 3]`.
    """
    column = tl.arange(0, E)
    width = HIDDEN // 16 * 16  # tells the compiler that 16 neighbours can be loaded at once
    program = tl.program_id(0).to(tl.int64)
    sums = partial_ptr + program * (3 * E) + column
    for part in range(3):
        tl.store(sums + part * E, tl.zeros([E], tl.float32))
    for tile in range(program, tl.cdiv(T, ROWS), tl.num_programs(0)):
        start, token, inside, real = flat_rows(tile, T, N, D, n_obs_ptr, n_vars_ptr, ROWS)
        y = load_tokens(middle_ptr, start, token, real, E)
        normal = layer_norm(y, norm_weight, norm_bias, E).to(hidden_weight.dtype.element_ty)
        store_tokens(inputs_ptr, start, token, normal, inside, E, 0, 2)
        grad = load_tokens(grad_ptr, start, token, real, E)
        upstream = dropped(grad, start, token, key_ptr, layer, drop, survivor, 1, ROWS, E)
        add_to_row(sums + 2 * E, tl.sum(upstream, 0))
        upstream = upstream.to(normal.dtype)
        store_tokens(gradients_ptr, start, token, upstream, inside, E, 3, 4)
        grad_normal = tl.zeros([ROWS, E], tl.float32)
        for first in range(0, width, CHUNK):
            unit = first + tl.arange(0, CHUNK)
            exists = unit < width
            at = unit[:, None] * E + column[None, :]
            into = tl.load(hidden_weight + at, exists[:, None], other=0.0)  # (CHUNK, E)
            at = column[:, None] * width + unit[None, :]
            back = tl.load(output_weight + at, exists[None, :], other=0.0)  # (E, CHUNK)
            hidden = product(normal, tl.trans(into))
            hidden += tl.load(hidden_bias + unit, exists, other=0.0)[None, :]
            _, slope = gelu_and_slope(hidden)
            slope *= product(upstream, back)
            grad_normal += product(slope.to(normal.dtype), into)
        y = load_tokens(middle_ptr, start, token, real, E)  # again: the cache spares registers
        grad_y, along, total = layer_norm_backward(y, grad_normal, norm_weight, E)
        add_to_row(sums, along)
        add_to_row(sums + E, total)
        grad_y += load_tokens(grad_ptr, start, token, real, E)
        grad_y = tl.where(real[:, None], grad_y, 0.0)
        store_tokens(grad_middle_ptr, start, token, grad_y, inside, E)


@triton.jit
def add_to_row(row, values):
    """Add to a program's own row: sums held in registers through the loops would not fit there."""
    tl.debug_barrier()  # what another thread wrote is there
    tl.store(row, tl.load(row) + values)


@triton.jit(do_not_specialize=SIZES)
def feed_forward_weights(
    inputs_ptr, gradients_ptr, partial_ptr, hidden_weight, hidden_bias, output_weight,
    T, HIDDEN, ROWS: tl.constexpr, CHUNK: tl.constexpr, E: tl.constexpr,
):  # fmt: skip
    """Gradients of CHUNK hidden units: in a row those of hidden weight, output weight and bias."""
    program, column = tl.program_id(0).to(tl.int64), tl.arange(0, E)
    width = HIDDEN // 16 * 16
    chunks = tl.cdiv(width, CHUNK)
    part, parts = program // chunks, tl.num_programs(0) // chunks
    unit = (program % chunks).to(tl.int32) * CHUNK + tl.arange(0, CHUNK)
    exists = unit < width
    at_into = unit[:, None] * E + column[None, :]
    into = tl.load(hidden_weight + at_into, exists[:, None], other=0.0)  # (CHUNK, E)
    at_back = column[:, None] * width + unit[None, :]
    back = tl.load(output_weight + at_back, exists[None, :], other=0.0)  # (E, CHUNK)
    bias = tl.load(hidden_bias + unit, exists, other=0.0)
    grad_into = tl.zeros([CHUNK, E], tl.float32)
    grad_back = tl.zeros([E, CHUNK], tl.float32)
    grad_bias = tl.zeros([CHUNK], tl.float32)
    token = tl.arange(0, ROWS)
    for tile in range(part, tl.cdiv(T, ROWS), parts):
        start = tile * ROWS
        inside = start + token < T
        normal = load_tokens(inputs_ptr, start, token, inside, E, 0, 2)
        upstream = load_tokens(gradients_ptr, start, token, inside, E, 3, 4)
        active, slope = gelu_and_slope(product(normal, tl.trans(into)) + bias[None, :])
        slope *= product(upstream, back)
        grad_bias += tl.sum(slope, 0)
        grad_into += product(tl.trans(slope.to(normal.dtype)), normal)
        grad_back += product(tl.trans(upstream), active.to(normal.dtype))
    row = partial_ptr + part * (width * (2 * E + 1))
    tl.store(row + at_into, grad_into, exists[:, None])
    tl.store(row + width * E + at_back, grad_back, exists[None, :])
    tl.store(row + width * (2 * E) + unit, grad_bias, exists)


@triton.jit(do_not_specialize=SIZES)
def short_attention_gradients(
    x_ptr, grad_middle_ptr, inputs_ptr, gradients_ptr, norm_weight, norm_bias,
    query_key_value_weight, query_key_value_bias, projection_weight,
    key_ptr, n_obs_ptr, n_vars_ptr, N, D, S, SEQUENCES, layer, drop, survivor, scale,
    ROWS: tl.constexpr, E: tl.constexpr, HEADS: tl.constexpr, OVER_SAMPLES: tl.constexpr,
):  # fmt: skip
    """Fill `inputs` and `gradients` for a tile of whole sequences."""
    tile = tl.program_id(0).to(tl.int64)
    start, number, token, inside, real = packed_rows(
        tile, S, SEQUENCES, N, D, n_obs_ptr, n_vars_ptr, ROWS, OVER_SAMPLES)  # fmt: skip
    x = load_tokens(x_ptr, start, token, real, E)
    normal = layer_norm(x, norm_weight, norm_bias, E).to(projection_weight.dtype.element_ty)
    store_tokens(inputs_ptr, start, token, normal, inside, E, 0, 2)
    grad = load_tokens(grad_middle_ptr, start, token, real, E)
    upstream = dropped(grad, start, token, key_ptr, layer, drop, survivor, 0, ROWS, E)
    upstream = upstream.to(normal.dtype)
    store_tokens(gradients_ptr, start, token, upstream, inside, E, 3, 4)
    mask = (number[:, None] == number[None, :]) & real[None, :]
    HEAD: tl.constexpr = E // HEADS
    for head in range(HEADS):
        first = head * HEAD
        weight, bias = query_key_value_weight, query_key_value_bias
        query = linear(normal, weight, bias, first, HEAD, E).to(normal.dtype)
        key = linear(normal, weight, bias, E + first, HEAD, E).to(normal.dtype)
        value = linear(normal, weight, bias, 2 * E + first, HEAD, E).to(normal.dtype)
        column = first + tl.arange(0, HEAD)[None, :]
        outward = tl.load(projection_weight + tl.arange(0, E)[:, None] * E + column)
        grad_attended = product(upstream, outward).to(normal.dtype)
        shares = probabilities(query, key, mask, scale)
        slope = shares * product(grad_attended, tl.trans(value))
        slope = ((slope - shares * tl.sum(slope, 1)[:, None]) * scale).to(normal.dtype)
        shares = shares.to(normal.dtype)
        at = inputs_ptr + start * (2 * E) + token[:, None] * (2 * E) + column
        tl.store(at + E, product(shares, value).to(normal.dtype), inside[:, None])
        at = gradients_ptr + start * (4 * E) + token[:, None] * (4 * E) + column
        tl.store(at, product(slope, key).to(normal.dtype), inside[:, None])
        tl.store(at + E, product(tl.trans(slope), query).to(normal.dtype), inside[:, None])
        grad_value = product(tl.trans(shares), grad_attended)
        tl.store(at + 2 * E, grad_value.to(normal.dtype), inside[:, None])


@triton.jit(do_not_specialize=SIZES)
def attention_upstream(
    grad_middle_ptr, inputs_ptr, gradients_ptr, grad_attended_ptr, along_ptr, projection_weight,
    key_ptr, n_obs_ptr, n_vars_ptr, N, D, T, layer, drop, survivor,
    ROWS: tl.constexpr, E: tl.constexpr, HEADS: tl.constexpr,
):  # fmt: skip
    """Gradient of attended values (T, E), and in each head its product with them (T, HEADS)."""
    tile = tl.program_id(0).to(tl.int64)
    start, token, inside, real = flat_rows(tile, T, N, D, n_obs_ptr, n_vars_ptr, ROWS)
    grad = load_tokens(grad_middle_ptr, start, token, real, E)
    upstream = dropped(grad, start, token, key_ptr, layer, drop, survivor, 0, ROWS, E)
    upstream = upstream.to(projection_weight.dtype.element_ty)
    store_tokens(gradients_ptr, start, token, upstream, inside, E, 3, 4)
    column = tl.arange(0, E)
    outward = tl.load(projection_weight + column[:, None] * E + column[None, :])
    grad = product(upstream, outward)
    store_tokens(grad_attended_ptr, start, token, grad, inside, E)
    attended = load_tokens(inputs_ptr, start, token, inside, E, 1, 2).to(tl.float32)
    along = tl.sum(tl.reshape(grad * attended, [ROWS, HEADS, E // HEADS]), 2)
    at = (start + token)[:, None] * HEADS + tl.arange(0, HEADS)[None, :]
    tl.store(along_ptr + at, along, inside[:, None])


@triton.jit(do_not_specialize=SIZES)
def attention_rows(
    x_ptr, grad_middle_ptr, gradients_ptr, grad_x_ptr, partial_ptr,
    norm_weight, query_key_value_weight, n_obs_ptr, n_vars_ptr, N, D, T,
    ROWS: tl.constexpr, E: tl.constexpr,
):  # fmt: skip
    """Gradient of x; of the norm a row (2, E) of sums a program."""
    column = tl.arange(0, E)
    program = tl.program_id(0).to(tl.int64)
    sums = partial_ptr + program * (2 * E) + column
    for part in range(2):
        tl.store(sums + part * E, tl.zeros([E], tl.float32))
    for tile in range(program, tl.cdiv(T, ROWS), tl.num_programs(0)):
        start, token, inside, real = flat_rows(tile, T, N, D, n_obs_ptr, n_vars_ptr, ROWS)
        grad_normal = tl.zeros([ROWS, E], tl.float32)
        for part in range(3):
            grad = load_tokens(gradients_ptr, start, token, inside, E, part, 4)
            at = (part * E + column)[:, None] * E + column[None, :]
            grad_normal += product(grad, tl.load(query_key_value_weight + at))
        x = load_tokens(x_ptr, start, token, real, E)
        grad_x, along, total = layer_norm_backward(x, grad_normal, norm_weight, E)
        add_to_row(sums, along)
        add_to_row(sums + E, total)
        grad_x += load_tokens(grad_middle_ptr, start, token, real, E)
        grad_x = tl.where(real[:, None], grad_x, 0.0)
        store_tokens(grad_x_ptr, start, token, grad_x, inside, E)


@triton.jit(do_not_specialize=SIZES)
def attention_weights(
    inputs_ptr, gradients_ptr, partial_ptr, T, ROWS: tl.constexpr, E: tl.constexpr
):  # fmt: skip
    """Gradients of a quarter of the matrices: in a row (4, E, E) of weights, then (4, E) biases."""
    program, column = tl.program_id(0).to(tl.int64), tl.arange(0, E)
    quarter, part, parts = program % 4, program // 4, tl.num_programs(0) // 4
    weight = tl.zeros([E, E], tl.float32)
    bias = tl.zeros([E], tl.float32)
    token = tl.arange(0, ROWS)
    for tile in range(part, tl.cdiv(T, ROWS), parts):
        start = tile * ROWS
        inside = start + token < T
        grad = load_tokens(gradients_ptr, start, token, inside, E, quarter, 4)
        origin = load_tokens(inputs_ptr, start, token, inside, E, quarter // 3, 2)
        weight += product(tl.trans(grad), origin)
        bias += tl.sum(grad.to(tl.float32), 0)
    row = partial_ptr + part * (4 * E * (E + 1))
    at = (quarter * E + column)[:, None] * E + column[None, :]
    tl.store(row + at, weight)
    tl.store(row + 4 * E * E + quarter * E + column, bias)
