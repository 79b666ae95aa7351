"""The transformer block forward in Triton.

Sequences that fit a tile are packed into it, whole ones side by side, and one kernel does the whole
block. Longer ones take three: queries, keys and values; attention (`triton_long.py`); and the rest,
token by token.
"""

from __future__ import annotations

import triton
import triton.language as tl

from activa_kernels.alternating_attention.triton_parts import (
    SIZES,
    dropped,
    flat_rows,
    gelu,
    layer_norm,
    linear,
    load_tokens,
    packed_rows,
    probabilities,
    product,
    store_tokens,
)


@triton.jit
def feed_forward(y, norm_weight, norm_bias, hidden_weight, hidden_bias, output_weight, output_bias,
                 HIDDEN, ROWS: tl.constexpr, CHUNK: tl.constexpr, E: tl.constexpr):  # fmt: skip
    """output(gelu(hidden(norm(y)))), CHUNK hidden units at a time; HIDDEN is a multiple of 16."""
    normal = layer_norm(y, norm_weight, norm_bias, E).to(hidden_weight.dtype.element_ty)
    update = tl.zeros([ROWS, E], tl.float32)
    column = tl.arange(0, E)
    width = HIDDEN // 16 * 16  # tells the compiler that 16 neighbours can be loaded at once
    for start in range(0, width, CHUNK):
        unit = start + tl.arange(0, CHUNK)
        exists = unit < width
        at = unit[:, None] * E + column[None, :]
        into = tl.load(hidden_weight + at, exists[:, None], other=0.0)  # (CHUNK, E)
        hidden = product(normal, tl.trans(into))
        hidden += tl.load(hidden_bias + unit, exists, other=0.0)[None, :]
        at = column[:, None] * width + unit[None, :]
        back = tl.load(output_weight + at, exists[None, :], other=0.0)  # (E, CHUNK)
        update += product(gelu(hidden).to(back.dtype), tl.trans(back))
    return update + tl.load(output_bias + column)[None, :]


@triton.jit(do_not_specialize=SIZES)
def short_sequences(
    x_ptr, middle_ptr, out_ptr, attention_norm_weight, attention_norm_bias,
    query_key_value_weight, query_key_value_bias, projection_weight, projection_bias,
    feed_forward_norm_weight, feed_forward_norm_bias, hidden_weight, hidden_bias,
    output_weight, output_bias, key_ptr, n_obs_ptr, n_vars_ptr,
    N, D, S, SEQUENCES, HIDDEN, layer, drop, survivor, scale,
    ROWS: tl.constexpr, CHUNK: tl.constexpr, E: tl.constexpr, HEADS: tl.constexpr,
    OVER_SAMPLES: tl.constexpr, FUSED: tl.constexpr,
):  # fmt: skip
    """A tile of whole sequences: the attention half, and where FUSED the feed-forward half too."""
    tile = tl.program_id(0).to(tl.int64)
    start, number, token, inside, real = packed_rows(
        tile, S, SEQUENCES, N, D, n_obs_ptr, n_vars_ptr, ROWS, OVER_SAMPLES)  # fmt: skip
    x = load_tokens(x_ptr, start, token, real, E)
    mask = (number[:, None] == number[None, :]) & real[None, :]
    normal = layer_norm(x, attention_norm_weight, attention_norm_bias, E)
    normal = normal.to(query_key_value_weight.dtype.element_ty)
    column = tl.arange(0, E)
    update = tl.zeros([ROWS, E], tl.float32)
    HEAD: tl.constexpr = E // HEADS
    for head in range(HEADS):
        first = head * HEAD
        weight, bias = query_key_value_weight, query_key_value_bias
        query = linear(normal, weight, bias, first, HEAD, E).to(normal.dtype)
        key = linear(normal, weight, bias, E + first, HEAD, E).to(normal.dtype)
        value = linear(normal, weight, bias, 2 * E + first, HEAD, E).to(normal.dtype)
        shares = probabilities(query, key, mask, scale).to(normal.dtype)
        attended = product(shares, value).to(normal.dtype)
        at = column[:, None] * E + first + tl.arange(0, HEAD)[None, :]
        update += product(attended, tl.trans(tl.load(projection_weight + at)))
    update += tl.load(projection_bias + column)[None, :]
    y = x + dropped(update, start, token, key_ptr, layer, drop, survivor, 0, ROWS, E)
    if middle_ptr is not None:
        store_tokens(middle_ptr, start, token, tl.where(real[:, None], y, 0.0), inside, E)
    if FUSED:
        update = feed_forward(y, feed_forward_norm_weight, feed_forward_norm_bias, hidden_weight,
                              hidden_bias, output_weight, output_bias, HIDDEN,
                              ROWS, CHUNK, E)  # fmt: skip
        out = y + dropped(update, start, token, key_ptr, layer, drop, survivor, 1, ROWS, E)
        store_tokens(out_ptr, start, token, tl.where(real[:, None], out, 0.0), inside, E)


@triton.jit(do_not_specialize=SIZES)
def queries_keys_values(
    x_ptr, query_key_value_ptr, inputs_ptr, norm_weight, norm_bias, weight, bias,
    n_obs_ptr, n_vars_ptr, N, D, T, ROWS: tl.constexpr, E: tl.constexpr,
):  # fmt: skip
    """norm(x), the first of two inputs (T, 2, E), and its queries, keys and values (T, 3, E)."""
    tile = tl.program_id(0).to(tl.int64)
    start, token, inside, real = flat_rows(tile, T, N, D, n_obs_ptr, n_vars_ptr, ROWS)
    x = load_tokens(x_ptr, start, token, real, E)
    normal = layer_norm(x, norm_weight, norm_bias, E).to(weight.dtype.element_ty)
    store_tokens(inputs_ptr, start, token, normal, inside, E, 0, 2)
    for part in range(3):
        found = linear(normal, weight, bias, part * E, E, E)
        store_tokens(query_key_value_ptr, start, token, found, inside, E, part, 3)


@triton.jit(do_not_specialize=SIZES)
def after_attention(
    x_ptr, inputs_ptr, middle_ptr, out_ptr, projection_weight, projection_bias,
    feed_forward_norm_weight, feed_forward_norm_bias, hidden_weight, hidden_bias,
    output_weight, output_bias, key_ptr, n_obs_ptr, n_vars_ptr,
    N, D, T, HIDDEN, layer, drop, survivor,
    ROWS: tl.constexpr, CHUNK: tl.constexpr, E: tl.constexpr,
):  # fmt: skip
    """The block after attended values, the second of (T, 2, E); without any, x is the middle."""
    tile = tl.program_id(0).to(tl.int64)
    start, token, inside, real = flat_rows(tile, T, N, D, n_obs_ptr, n_vars_ptr, ROWS)
    y = load_tokens(x_ptr, start, token, real, E)
    if inputs_ptr is not None:
        attended = load_tokens(inputs_ptr, start, token, real, E, 1, 2)
        update = linear(attended, projection_weight, projection_bias, 0, E, E)
        y += dropped(update, start, token, key_ptr, layer, drop, survivor, 0, ROWS, E)
        if middle_ptr is not None:
            store_tokens(middle_ptr, start, token, tl.where(real[:, None], y, 0.0), inside, E)
    update = feed_forward(y, feed_forward_norm_weight, feed_forward_norm_bias, hidden_weight,
                          hidden_bias, output_weight, output_bias, HIDDEN, ROWS, CHUNK, E)  # fmt: skip
    out = y + dropped(update, start, token, key_ptr, layer, drop, survivor, 1, ROWS, E)
    store_tokens(out_ptr, start, token, tl.where(real[:, None], out, 0.0), inside, E)
