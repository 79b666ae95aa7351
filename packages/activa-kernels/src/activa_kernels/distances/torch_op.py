"""The door of sums over distances for tensors on a device, with gradients; `op.py` takes arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from activa_kernels.backend import choose, constant
from activa_kernels.distances import torch_reference
from activa_kernels.distances.torch_samples import Samples, flat, samples
from activa_kernels.errors import InputError

LARGEST_FACTOR = 1e37  # of r^2 in the exponent; what is larger stands for a bandwidth of zero
CELLS = 2**24  # distances at once where a median needs them all


class Terms(NamedTuple):
    """Weighted means over pairs of rows: of x and y, of x and x, of y and y; diagonals included."""

    between: Tensor
    within_x: Tensor
    within_y: Tensor


def energy_terms(x: Tensor, y: Tensor, a: Tensor | None = None, b: Tensor | None = None) -> Terms:
    """Weighted means of the Euclidean distances r: sum a_i b_j r_ij between two samples and within.

    Parameters
    ----------
    x, y : Tensor, shapes (..., n, d) and (..., m, d)
        float32 or float64; distances are computed in float32 if both are, sums are float64.
    a, b : Tensor, shapes (..., n) and (..., m), optional
        Weights, taken as they are; 1/n and 1/m by default. Leading axes broadcast.

    Returns
    -------
    Terms of Tensor of float64, shape (...,)
        Differentiable once in every argument; equal rows have no slope. All three are equal for the
        same rows and weights in the same order. A term is NaN where a row of it is not finite.

    Raises
    ------
    InputError
        If shapes, dtypes or devices do not fit, or a sample is empty.

    Examples
    --------
    >>> import torch
    >>> terms = energy_terms(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]]))
    >>> float(2 * terms.between - terms.within_x - terms.within_y)
    1.0
    """
    pairs = samples(x, y, a, b)
    terms = _terms(pairs, None).reshape(*pairs.batch, 3)
    return Terms(*terms.unbind(dim=-1))


def mmd_terms(
    x: Tensor,
    y: Tensor,
    bandwidths: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
) -> Terms:
    """Weighted means of the kernel exp(-r^2 / (2 s^2)) between two samples and within each.

    Parameters
    ----------
    x, y, a, b
        As for `energy_terms`.
    bandwidths : Tensor, shape (..., K)
        K values of s for each pair, not negative. Zero leaves equal rows at 1 and others at 0.

    Returns
    -------
    Terms of Tensor of float64, shape (..., K)
        As for `energy_terms`, differentiable in the bandwidths too.

    Raises
    ------
    InputError
        As `energy_terms`.

    Examples
    --------
    >>> import torch
    >>> terms = mmd_terms(torch.zeros(1, 1), torch.full((1, 1), 2.0), torch.tensor([2.0]))
    >>> round(float(terms.between[0]), 6), float(terms.within_x[0])
    (0.606531, 1.0)
    """
    if bandwidths.ndim < 1:
        raise InputError("bandwidths is a number; give (..., K), one or more for each pair")
    pairs = samples(x, y, a, b, bandwidths.shape[:-1])
    scales = flat(bandwidths.double().to(pairs.x.device), pairs.batch, 1)
    factors = (0.5 / scales.square()).clamp(max=LARGEST_FACTOR)
    terms = _terms(pairs, factors).reshape(*pairs.batch, factors.shape[1], 3)
    return Terms(*terms.unbind(dim=-1))


def pooled_median(x: Tensor, y: Tensor | None = None, *, or_mean: bool = False) -> Tensor:
    """Median distance over all unordered pairs of the pooled rows, as `numpy.median` has it.

    Parameters
    ----------
    x, y : Tensor, shapes (..., n, d) and (..., m, d)
        As for `energy_terms`; only `x` is looked at without `y`. All distances of a pair are held.
    or_mean : bool
        Where the median is zero, the mean of the positive distances instead.

    Returns
    -------
    Tensor of float64, shape (...,)
        Zero for a single row; NaN for a pair with an entry that is not finite. Differentiable by way
        of the one or two distances in the middle.

    Raises
    ------
    InputError
        As `energy_terms`.

    Examples
    --------
    >>> import torch
    >>> float(pooled_median(torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0]])))
    2.0
    """
    pairs = samples(x, x if y is None else y)
    rows = pairs.x if y is None else pairs.pooled()[0]
    size = max(1, CELLS // rows.shape[1] ** 2)
    medians = torch.cat([_median(part, or_mean) for part in torch.split(rows, size)])
    return medians.reshape(pairs.batch)


def _median(rows: Tensor, or_mean: bool) -> Tensor:
    """(P, N, d) -> (P,); only the middle distances become a part of the graph."""
    N = rows.shape[1]
    poison = 0.0 * rows.double().sum(dim=(1, 2))  # NaN where an entry is not finite
    if N == 1:
        return poison
    with torch.no_grad():
        i, j, positive = torch_reference.middle_pairs(rows)
    gap = torch.take_along_dim(rows, i[..., None], 1) - torch.take_along_dim(rows, j[..., None], 1)
    median = torch_reference.root(gap.double().square().sum(dim=-1)).mean(dim=1)
    if or_mean:
        total = N * N * energy_terms(rows, rows[:, :1]).within_x
        median = torch.where(median == 0, total / positive.clamp(min=1), median)
    return median + poison


def _terms(pairs: Samples, factors: Tensor | None) -> Tensor:
    """(P, K, 3), where K is 1 without factors."""
    z, w = pairs.pooled()
    if _implementation(z.device.type, str(z.dtype).removeprefix("torch.")) == "triton":
        terms: Tensor = _sums(z, w, None if factors is None else factors.float(), pairs.n)
        return terms
    return torch_reference.terms(z.double(), w, factors, pairs.n)


@constant  # it reads the environment, which a graph cannot hold
def _implementation(device: str, dtype: str) -> str:
    return choose("distances", device, dtype).implementation


@torch.library.custom_op("activa::distance_sums", mutates_args=())
def _sums(z: Tensor, w: Tensor, factors: Tensor | None, n: int) -> Tensor:
    from activa_kernels.distances import triton  # loaded only where Triton is used

    return triton.sums(*_contiguous(z, w, factors), n)


@torch.library.custom_op("activa::distance_sums_backward", mutates_args=())
def _backward(
    grad: Tensor, z: Tensor, w: Tensor, factors: Tensor | None, n: int
) -> tuple[Tensor, Tensor]:
    from activa_kernels.distances import triton

    return triton.gradients(grad.float().contiguous(), *_contiguous(z, w, factors), n)


@torch.library.custom_op("activa::distance_sums_by_square", mutates_args=())
def _sums_by_square(z: Tensor, w: Tensor, factors: Tensor, n: int) -> Tensor:
    """Sums of r^2 times the kernel: minus the derivative of each term by its factor."""
    from activa_kernels.distances import triton

    return triton.sums(*_contiguous(z, w, factors), n, derivative=True)


def _contiguous(
    z: Tensor, w: Tensor, factors: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    return z.contiguous(), w.contiguous(), None if factors is None else factors.contiguous()


@_sums.register_fake
def _(z: Tensor, w: Tensor, factors: Tensor | None, n: int) -> Tensor:
    return w.new_empty((len(z), 1 if factors is None else factors.shape[1], 3))


@_backward.register_fake
def _(grad: Tensor, z: Tensor, w: Tensor, factors: Tensor | None, n: int) -> tuple[Tensor, Tensor]:
    return z.new_empty(z.shape), w.new_empty(w.shape)


@_sums_by_square.register_fake
def _(z: Tensor, w: Tensor, factors: Tensor, n: int) -> Tensor:
    return w.new_empty((len(z), factors.shape[1], 3))


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.n = inputs
    ctx.save_for_backward(*tensors)


def _differentiate(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    z, w, factors = ctx.saved_tensors
    grad_z, grad_w = _backward(grad, z, w, factors, ctx.n)
    grad_factors = None
    if ctx.needs_input_grad[2]:
        grad_factors = -(grad * _sums_by_square(z, w, factors, ctx.n)).sum(dim=-1).float()
    return grad_z, grad_w, grad_factors, None


_sums.register_autograd(_differentiate, setup_context=_save)
