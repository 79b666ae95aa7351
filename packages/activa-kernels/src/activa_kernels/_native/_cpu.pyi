# Addresses are those of the first elements of contiguous tensors that outlive the call; `shape` is
# (B, N, C, d, r); inputs and gradients are x, log_weights, means, factors, diagonal.

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

cuda_compiler: str

def instruction_sets() -> list[str]: ...
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
def transport_cost(
    cost: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64], threads: int
) -> NDArray[np.float64]: ...
