# Addresses are those of the first elements of contiguous tensors that outlive the call.
#
# mixture: `shape` is (B, N, C, d, r); inputs and gradients are x, log_weights, means, factors,
# diagonal. attention: `shape` is (B, N, d, e, h, heads); weights and gradients are the twelve of
# BlockWeights; lengths are n_obs and n_vars, empty where nothing is padded; key is (seed, step, layer,
# threshold); middle and workspace are 0 where nothing needs a gradient. Between start_watch and
# stop_watch the seconds of this thread are counted by pass and phase (stopwatch.hpp).

#
# distances: contiguous arrays over P pairs; op.py and transport.py of that family say what they hold.
# `out` and `plan` are written. An int is the first pair whose search did not end, or -1.

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.float32] | NDArray[np.float64]

cuda_compiler: str

def instruction_sets() -> list[str]: ...
def start_watch() -> None: ...
def stop_watch() -> dict[str, dict[str, float]]: ...
def keep_freed_memory() -> bool: ...
def mixture_forward_float32(
    shape: Sequence[int], inputs: Sequence[int], out: int, isa: str, threads: int, /
) -> None: ...
def mixture_forward_float64(
    shape: Sequence[int], inputs: Sequence[int], out: int, isa: str, threads: int, /
) -> None: ...
def mixture_backward_float32(
    shape: Sequence[int],
    inputs: Sequence[int],
    grad_out: int,
    gradients: Sequence[int],
    isa: str,
    threads: int,
    /,
) -> None: ...
def mixture_backward_float64(
    shape: Sequence[int],
    inputs: Sequence[int],
    grad_out: int,
    gradients: Sequence[int],
    isa: str,
    threads: int,
    /,
) -> None: ...
def attention_workspace_bytes_float32(tokens: int, e: int, h: int, heads: int, /) -> int: ...
def attention_workspace_bytes_float64(tokens: int, e: int, h: int, heads: int, /) -> int: ...
def attention_workspace_bytes_bfloat16(tokens: int, e: int, h: int, heads: int, /) -> int: ...
def attention_forward_float32(
    shape: Sequence[int],
    over_samples: bool,
    x: int,
    weights: Sequence[int],
    lengths: Sequence[Sequence[int]],
    key: Sequence[int],
    out: int,
    middle: int,
    workspace: int,
    isa: str,
    threads: int,
    /,
) -> None: ...
def attention_forward_float64(
    shape: Sequence[int],
    over_samples: bool,
    x: int,
    weights: Sequence[int],
    lengths: Sequence[Sequence[int]],
    key: Sequence[int],
    out: int,
    middle: int,
    workspace: int,
    isa: str,
    threads: int,
    /,
) -> None: ...
def attention_forward_bfloat16(
    shape: Sequence[int],
    over_samples: bool,
    x: int,
    weights: Sequence[int],
    lengths: Sequence[Sequence[int]],
    key: Sequence[int],
    out: int,
    middle: int,
    workspace: int,
    isa: str,
    threads: int,
    /,
) -> None: ...
def attention_backward_float32(
    shape: Sequence[int],
    over_samples: bool,
    x: int,
    weights: Sequence[int],
    lengths: Sequence[Sequence[int]],
    key: Sequence[int],
    grad_out: int,
    middle: int,
    workspace: int,
    grad_x: int,
    gradients: Sequence[int],
    isa: str,
    threads: int,
    /,
) -> None: ...
def attention_backward_float64(
    shape: Sequence[int],
    over_samples: bool,
    x: int,
    weights: Sequence[int],
    lengths: Sequence[Sequence[int]],
    key: Sequence[int],
    grad_out: int,
    middle: int,
    workspace: int,
    grad_x: int,
    gradients: Sequence[int],
    isa: str,
    threads: int,
    /,
) -> None: ...
def attention_backward_bfloat16(
    shape: Sequence[int],
    over_samples: bool,
    x: int,
    weights: Sequence[int],
    lengths: Sequence[Sequence[int]],
    key: Sequence[int],
    grad_out: int,
    middle: int,
    workspace: int,
    grad_x: int,
    gradients: Sequence[int],
    isa: str,
    threads: int,
    /,
) -> None: ...
def distance_terms(
    x: Rows, y: Rows, a: Array, b: Array, bandwidths: Array, out: Array, isa: str, threads: int
) -> None: ...
def pooled_median(rows: Rows, or_mean: bool, out: Array, isa: str, threads: int) -> None: ...
def quadratic_forms(
    rows: Rows, forms: Array, bandwidths: Array, out: Array, isa: str, threads: int
) -> None: ...
def wasserstein_power(
    x: Rows, y: Rows, a: Array, b: Array, p: float, out: Array, isa: str, threads: int
) -> int: ...
def assignment(cost: Array, out: NDArray[np.int64], isa: str, threads: int) -> None: ...
def transport(
    cost: Array, a: Array, b: Array, out: Array, plan: Array, isa: str, threads: int
) -> int: ...
