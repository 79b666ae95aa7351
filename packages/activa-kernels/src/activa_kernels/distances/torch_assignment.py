"""Exact assignment of tensors: many small pairs at once on a CUDA device, larger ones on the CPU."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from activa_kernels._native import cuda
from activa_kernels.backend import choose
from activa_kernels.distances import transport
from activa_kernels.errors import InputError


def assignment(cost: Tensor) -> Tensor:
    """Return the column that each row gets where the sum of the costs is least.

    On a CUDA device a warp solves a pair, if activa-kernels was built where there was a CUDA
    compiler and n <= 256. Otherwise costs go to the CPU and columns come back, which waits for the
    device; `activa_kernels.backend()` says which.

    Parameters
    ----------
    cost : Tensor, shape (..., n, n)
        float32 or float64; may be negative.

    Returns
    -------
    Tensor of int64, shape (..., n)
        A permutation of the columns; -1 throughout for a matrix with an entry that is not finite.

    Raises
    ------
    InputError
        If the matrices are empty or not square, or not of these dtypes.
    RuntimeError
        If the device refuses, or nothing that could solve the problem is installed.

    Examples
    --------
    >>> import torch
    >>> assignment(torch.tensor([[4.0, 1.0], [2.0, 3.0]]))
    tensor([1, 0])
    """
    n = cost.shape[-1] if cost.ndim else 0
    if cost.ndim < 2 or n == 0 or cost.shape[-2] != n:
        raise InputError(f"cost has shape {tuple(cost.shape)}; give (..., n, n) with n >= 1")
    if cost.dtype not in (torch.float32, torch.float64):
        raise InputError(f"cost is {cost.dtype}; give float32 or float64")
    refusal = f"{n} rows are more than {cuda.LARGEST}" if n > cuda.LARGEST else None
    if cost.is_cuda and torch.cuda.get_device_capability(cost.device) < cuda.OLDEST:
        refusal = "the device is older than sm_80"
    device, dtype = cost.device.type, str(cost.dtype).removeprefix("torch.")
    if choose("assignment", device, dtype, refusal=refusal).implementation == "cuda":
        return _on_device(cost.detach().reshape(-1, n, n).contiguous()).reshape(cost.shape[:-1])
    columns = transport.assignment(cost.detach().cpu().numpy())
    return torch.from_numpy(columns).to(cost.device)


def transport_cost(cost: Tensor) -> Tensor:
    """Exact least cost of moving n equal masses of 1/n, as `assignment` finds it.

    Parameters and errors are those of `assignment`.

    Returns
    -------
    Tensor of float64, shape (...,)
        NaN for a pair with an entry that is not finite. Differentiable in the costs: the plan.

    Examples
    --------
    >>> import torch
    >>> float(transport_cost(torch.tensor([[0.0, 3.0], [1.0, 1.0]])))
    0.5
    """
    columns = assignment(cost)
    solved = columns >= 0
    chosen = torch.take_along_dim(cost, columns.clamp(min=0)[..., None], -1)[..., 0]
    return torch.where(solved, chosen.double(), math.nan).mean(dim=-1)


def _on_device(costs: Tensor) -> Tensor:
    pairs, n = costs.shape[:2]
    columns = torch.empty((pairs, n), dtype=torch.int64, device=costs.device)
    if pairs > 0:
        with torch.cuda.device(costs.device):
            stream, device = torch.cuda.current_stream().cuda_stream, torch.cuda.current_device()
            is_double = costs.dtype == torch.float64
            cuda.assign(costs.data_ptr(), is_double, n, pairs, columns.data_ptr(), device, stream)
    return columns
