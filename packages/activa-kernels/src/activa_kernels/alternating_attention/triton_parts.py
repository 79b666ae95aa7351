"""What the Triton kernels of the transformer block are made of: tiles of tokens and what acts on them.

A tile holds ROWS tokens of width E. `real` says which of its rows are tokens that are no padding;
only those are ever read. Products take float32 or bfloat16 and sum in float32.
"""

from __future__ import annotations

import triton
import triton.language as tl

from activa_kernels.alternating_attention.dropout import LANES
from activa_kernels.alternating_attention.reference import NORM_EPS

# sizes are never specialised, so that what was compiled ahead of time is what runs
SIZES = ("N", "D", "S", "T", "SEQUENCES", "HIDDEN", "layer", "drop")

EPS = tl.constexpr(NORM_EPS)
COUNTER = tl.constexpr(LANES)  # elements that one counter of Philox serves
ROOT_HALF = tl.constexpr(0.5**0.5)
ROOT_TWO_PI = tl.constexpr(2.5066282746310002)
NEVER = tl.constexpr(-1e30)  # a score without a share; finite, so that rows of padding stay so


@triton.jit
def product(a, b):
    """A @ b, summed in float32; float32 inputs keep their digits, of which TF32 would drop 13 bits."""
    return tl.dot(a, b, input_precision="ieee")


@triton.jit
def packed_rows(tile, S, SEQUENCES, N, D, n_obs_ptr, n_vars_ptr,
                ROWS: tl.constexpr, OVER_SAMPLES: tl.constexpr):  # fmt: skip
    """Pack ROWS // S whole sequences into a tile.

    Returns a token from which 32 bits reach the tile's; and of every row the number of its sequence
    in the tile, its token counted from there, and whether it exists and is real.
    """
    count, row = ROWS // S, tl.arange(0, ROWS)
    number, position = row // S, row % S
    first = tile * count
    others = D if OVER_SAMPLES else N  # sequences of a batch item
    item = first // others
    other = (first % others).to(tl.int32) + number
    b, other = other // others, other % others
    inside = (number < count) & (first + number < SEQUENCES)
    if OVER_SAMPLES:
        n, j = position, other
        start, token = item * N * D, (b * N + n) * D + j
    else:
        n, j = other, position
        start, token = first * D, row
    real = real_rows(item, b, n, j, inside, n_obs_ptr, n_vars_ptr)
    return start, number, token, inside, real


@triton.jit
def flat_rows(tile, T, N, D, n_obs_ptr, n_vars_ptr, ROWS: tl.constexpr):
    """Take ROWS tokens as they lie in memory; returns as `packed_rows`, without numbers."""
    first, row = tile * ROWS, tl.arange(0, ROWS)
    inside = first + row < T
    item = first // (N * D)
    inner = (first % (N * D)).to(tl.int32) + row
    b, inner = inner // (N * D), inner % (N * D)
    real = real_rows(item, b, inner // D, inner % D, inside, n_obs_ptr, n_vars_ptr)
    return first, row, inside, real


@triton.jit
def real_rows(item, b, n, j, inside, n_obs_ptr, n_vars_ptr):
    """Say which rows exist and are no padding; b counts from the batch item."""
    real = inside
    if n_obs_ptr is not None:
        real = real & (n < tl.load(n_obs_ptr + item + b, inside, other=0))
    if n_vars_ptr is not None:
        real = real & (j < tl.load(n_vars_ptr + item + b, inside, other=0))
    return real


@triton.jit
def load_tokens(ptr, first, token, mask, E: tl.constexpr, part=0, PARTS: tl.constexpr = 1):
    """Rows of part `part` of a (T, PARTS, E) tensor, counted from the first; zero where masked."""
    at = token[:, None] * (PARTS * E) + part * E + tl.arange(0, E)[None, :]
    return tl.load(ptr + first * (PARTS * E) + at, mask[:, None], other=0.0)


@triton.jit
def store_tokens(ptr, first, token, tile, mask, E: tl.constexpr, part=0, PARTS: tl.constexpr = 1):
    """Write what `load_tokens` would read, in the tensor's type."""
    at = token[:, None] * (PARTS * E) + part * E + tl.arange(0, E)[None, :]
    tl.store(ptr + first * (PARTS * E) + at, tile.to(ptr.dtype.element_ty), mask[:, None])


@triton.jit
def normalise(x, E: tl.constexpr):
    """Centre and scale rows; also return the scale."""
    centred = x - (tl.sum(x, 1) / E)[:, None]
    scale = tl.rsqrt(tl.sum(centred * centred, 1) / E + EPS)
    return centred * scale[:, None], scale


@triton.jit
def layer_norm(x, weight_ptr, bias_ptr, E: tl.constexpr):
    """Normalise rows, then scale and shift their columns."""
    column = tl.arange(0, E)
    normal, _ = normalise(x, E)
    weight, bias = tl.load(weight_ptr + column), tl.load(bias_ptr + column)
    return normal * weight[None, :] + bias[None, :]


@triton.jit
def layer_norm_backward(x, grad, weight_ptr, E: tl.constexpr):
    """Gradients of x, and of the weight and the bias summed over the rows."""
    normal, scale = normalise(x, E)
    inner = grad * tl.load(weight_ptr + tl.arange(0, E))[None, :]
    along = tl.sum(inner * normal, 1) / E
    grad_x = (inner - (tl.sum(inner, 1) / E)[:, None] - normal * along[:, None]) * scale[:, None]
    return grad_x, tl.sum(grad * normal, 0), tl.sum(grad, 0)


@triton.jit
def gelu(x):
    """Multiply x by the share of a standard normal below x."""
    return 0.5 * x * (1.0 + tl.erf(x * ROOT_HALF))


@triton.jit
def gelu_and_slope(x):
    """Return `gelu` and its derivative."""
    share = 0.5 * (1.0 + tl.erf(x * ROOT_HALF))
    return x * share, share + x * tl.exp(-0.5 * x * x) / ROOT_TWO_PI


@triton.jit
def linear(x, weight_ptr, bias_ptr, first, OUT: tl.constexpr, E: tl.constexpr):
    """Outputs `first` to `first + OUT` of a linear layer of width E, in float32."""
    column = first + tl.arange(0, OUT)
    weight = tl.load(weight_ptr + column[:, None] * E + tl.arange(0, E)[None, :])
    return product(x, tl.trans(weight)) + tl.load(bias_ptr + column)[None, :]


@triton.jit
def probabilities(query, key, mask, scale):
    """Softmax over the keys that the mask allows."""
    scores = tl.where(mask, product(query, tl.trans(key)) * scale, NEVER)
    shares = tl.exp(scores - tl.max(scores, 1)[:, None])
    return shares / tl.sum(shares, 1)[:, None]


@triton.jit
def dropped(x, first, token, key_ptr, layer, drop, survivor, SITE: tl.constexpr,
            ROWS: tl.constexpr, E: tl.constexpr):  # fmt: skip
    """Apply the dropout of a site to rows of a (T, E) tensor; `dropout.py` is the definition."""
    if key_ptr is not None:
        seed, step = tl.load(key_ptr), tl.load(key_ptr + 1)
        low, high, _, _ = tl.philox(seed, step.to(tl.uint32), (step >> 32).to(tl.uint32),
                                    layer.to(tl.uint32), (layer * 0 + SITE).to(tl.uint32))  # fmt: skip
        key = low.to(tl.uint64) | (high.to(tl.uint64) << 32)
        counter = token[:, None] * (E // COUNTER) + tl.arange(0, E // COUNTER)[None, :]
        counter = counter.to(tl.int64) + first * (E // COUNTER)
        word = counter.to(tl.uint32)
        a, b, c, d = tl.philox(key, word, (counter >> 32).to(tl.uint32), word * 0, word * 0)
        words = tl.join(tl.join(a, c), tl.join(b, d))  # (ROWS, E / 8, 2, 2), last axes in order
        keep = tl.join((words & 0xFFFF) >= drop, (words >> 16) >= drop)
        x = tl.where(tl.reshape(keep, [ROWS, E]), x * survivor, 0.0)
    return x
