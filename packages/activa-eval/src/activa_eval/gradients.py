"""The distances on torch tensors, for gradients and for other devices; all in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import torch
from activa_kernels.distances import torch_op, transport_plan
from activa_kernels.distances.torch_assignment import assignment
from activa_kernels.distances.torch_lines import line_costs
from torch import Tensor

from activa_eval.arrays import (
    FloatArray,
    broadcast_batch,
    check_samples,
    stays_in_torch,
    to_real,
    weights_of,
)
from activa_eval.bandwidth import Widths
from activa_eval.distances import over_pairs
from activa_eval.errors import InputError
from activa_eval.line import line_plan
from activa_eval.transport import Transport

HIGHEST_ORDER = 20.0  # beyond it, powers of distances and of their gradients vanish in float64

Measure: TypeAlias = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class TensorPairs:
    """P checked pairs on one device, with weights that sum to one; a twin of `arrays.Pairs`."""

    x: Tensor  # (P, n, d), float32 if both samples are, else float64
    y: Tensor  # (P, m, d)
    a: Tensor  # (P, n), float64
    b: Tensor  # (P, m)
    batch: tuple[int, ...]

    def map(self, measure: Measure, *, degree: float = 0.0) -> Tensor:
        """Return the batch's numbers; NaN, without a gradient, for a pair that is not finite.

        Where the squares of rows would leave their dtype, they are divided by a power of two, and
        numbers multiplied by its power of `degree`; or, without a degree, computed in float64.
        """
        values = self.a.new_full((len(self.x),), torch.nan)
        where = self.usable()
        if len(where):
            x, y, a, b = (part[where] for part in (self.x, self.y, self.a, self.b))
            unit = _unit_of(x, y)
            if degree:
                x, y = ((rows / unit[:, None, None]).to(rows.dtype) for rows in (x, y))
            elif (unit != 1.0).any():
                x, y = x.double(), y.double()
            found = measure(x, y, a, b) * unit**degree
            values = values.index_put((where,), found)
        return values.reshape(self.batch)

    def usable(self) -> Tensor:
        """Return the pairs whose entries are all finite."""
        parts = (self.x, self.y, self.a, self.b)
        finite = torch.stack([part.isfinite().flatten(1).all(dim=1) for part in parts])
        return finite.all(dim=0).nonzero()[:, 0]


def paired(
    x: Any, y: Any, a: Any = None, b: Any = None, *, least: tuple[int, int] = (1, 1)
) -> TensorPairs:
    """Check two samples and their weights, as `arrays.paired` does, without leaving their device."""
    device = next(v.device for v in (x, y, a, b) if isinstance(v, Tensor) and stays_in_torch(v))
    first, second = _real(x, "x", device), _real(y, "y", device)
    check_samples(tuple(first.shape), tuple(second.shape))
    dtype = torch.promote_types(first.dtype, second.dtype)
    left = _weights(a, first, "a", "x", least[0])
    right = _weights(b, second, "b", "y", least[1])
    parts = {"x": (first.to(dtype), 2), "y": (second.to(dtype), 2), "a": (left, 1), "b": (right, 1)}
    batch = broadcast_batch(*(tuple(part.shape[:-own]) for part, own in parts.values()))
    flat = {
        name: part.expand(*batch, *part.shape[-own:]).reshape(prod(batch), *part.shape[-own:])
        for name, (part, own) in parts.items()
    }
    return TensorPairs(**flat, batch=batch)


def energy_distance(pairs: TensorPairs, *, biased: bool, sqrt: bool) -> Any:
    """As `distances.energy_distance`; a distance of zero has gradient zero."""

    def measure(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        across, first, second = torch_op.energy_terms(x, y, a, b)
        energy = 2.0 * across - over_pairs(first, a, biased) - over_pairs(second, b, biased)
        energy = energy.clamp(min=0.0) if biased else energy
        return _power(energy, 0.5) if sqrt else energy

    return pairs.map(measure, degree=0.5 if sqrt else 1.0)


def mmd(pairs: TensorPairs, widths: Widths, kernel: Any, *, biased: bool, squared: bool) -> Any:
    """As `distances.mmd`; a median is differentiated as well."""

    def measure(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        if kernel is None:
            scales = _scales(x, y, widths)
            safe = torch.where(scales > 0.0, scales, 1.0)  # all rows are equal: any width serves
            terms = [part.mean(dim=-1) for part in torch_op.mmd_terms(x, y, safe, a, b)]
            diagonals = [a.new_ones(len(a))] * 2
        else:
            terms, diagonals = _kernel_terms(kernel, x.double(), y.double(), a, b)
        square = over_pairs(terms[1], a, biased, diagonals[0]) - 2.0 * terms[0]
        square = square + over_pairs(terms[2], b, biased, diagonals[1])
        square = square.clamp(min=0.0) if biased else square
        return square if squared else _power(square, 0.5)

    return pairs.map(measure)


def sliced_wasserstein(pairs: TensorPairs, lines: FloatArray, p: float) -> Any:
    """As `sliced.sliced_wasserstein`, along given directions (K, d)."""
    _refuse_high_order(p)

    def measure(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        origin = x[:, :1].detach()  # projections far from it would lose digits
        kept = x.dtype if x.is_cuda else torch.float64  # Triton takes float32
        along = torch.as_tensor(lines, device=x.device, dtype=kept)
        left, right = (((rows - origin).to(kept) @ along.T).mT for rows in (x, y))  # (P, K, n)
        top = _largest(left, right)
        even = _are_even(a) and _are_even(b)
        masses = (None, None) if even else (a, b)
        powers = line_costs(left / top, right / top, *masses, p=p).mean(dim=1)
        return top[:, 0, 0] * _power(powers, 1.0 / p)

    return pairs.map(measure, degree=1.0)


def wasserstein(pairs: TensorPairs, p: float) -> Transport:
    """As `transport.wasserstein`: the plan is found on the CPU, and held fixed for gradients."""
    _refuse_high_order(p)
    if pairs.a.requires_grad or pairs.b.requires_grad:
        raise InputError("wasserstein has no gradients of weights; detach a and b")
    plans = pairs.a.new_full((len(pairs.x), pairs.x.shape[1], pairs.y.shape[1]), torch.nan)
    where = pairs.usable()

    def measure(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        # differences, not products, and no slope between equal rows
        mode = "donot_use_mm_for_euclid_dist"
        distances = torch.cdist(x.double(), y.double(), compute_mode=mode)
        top = _largest(distances)
        powers = _power(distances / top, p)
        plans[where] = _plan(x, y, powers, a, b)
        return top[:, 0, 0] * _power((plans[where] * powers).sum(dim=(1, 2)), 1.0 / p)

    distance: Any = pairs.map(measure, degree=1.0)
    plan: Any = plans.reshape(*pairs.batch, *plans.shape[1:])
    return Transport(distance, plan)


def _refuse_high_order(p: float) -> None:
    if p > HIGHEST_ORDER:
        raise InputError(f"p is {p}; tensors on a device or with gradients go up to p = 20")


def _largest(*parts: Tensor) -> Tensor:
    """Largest absolute value of each pair, (P, 1, 1), a constant to gradients; 1 where it is 0."""
    tops = [part.detach().abs().amax(dim=(1, 2), keepdim=True) for part in parts]
    top = torch.stack(tops).amax(dim=0)
    return torch.where(top > 0.0, top, 1.0)


def _plan(x: Tensor, y: Tensor, costs: Tensor, a: Tensor, b: Tensor) -> Tensor:
    n = costs.shape[1]
    if costs.shape[2] == n and x.shape[-1] > 1 and _are_even(a) and _are_even(b):
        columns = assignment(costs.detach())
        return torch.nn.functional.one_hot(columns, n).double() / n
    left, right, known, *weights = (t.detach().cpu().numpy() for t in (x, y, costs, a, b))
    if left.shape[-1] == 1:
        found = line_plan(left[..., 0], right[..., 0], *weights)
    else:
        found = transport_plan(known, *weights)
    return torch.as_tensor(found, device=x.device)


def _real(value: Any, name: str, device: torch.device) -> Tensor:
    if not isinstance(value, Tensor):
        return torch.as_tensor(to_real(value, name), device=device)
    if value.is_complex():
        raise InputError(f"{name} is not an array of real numbers; convert it first")
    kept = torch.float32 if value.dtype == torch.float32 else torch.float64
    return value.to(device=device, dtype=kept)


def _weights(value: Any, sample: Tensor, name: str, of: str, least: int) -> Tensor:
    checked = weights_of(value, sample.shape[-2], name, of, least)
    if not isinstance(value, Tensor):
        return torch.as_tensor(checked, device=sample.device)
    weights = value.to(device=sample.device, dtype=torch.float64)
    return weights / weights.sum(dim=-1, keepdim=True)


def _scales(x: Tensor, y: Tensor, widths: Widths) -> Tensor:
    """As `Widths.read`, (P, K)."""
    numbers = torch.tensor(widths.numbers, dtype=torch.float64, device=x.device)
    if widths.rule is None:
        return numbers.expand(len(x), -1)
    scale = torch_op.pooled_median(x, y, or_mean=True)
    if widths.rule == "truth":
        own = torch_op.pooled_median(y, or_mean=True)
        scale = torch.where(own > 0.0, own, scale)
    return scale[:, None] * numbers


def _kernel_terms(
    kernel: Any, x: Tensor, y: Tensor, a: Tensor, b: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Mean values of a kernel across, within x, within y; and on the diagonals of x and y."""
    terms, diagonals = [], []
    for u, v, left, right in ((x, y, a, b), (x, x, a, a), (y, y, b, b)):
        values, expected = kernel(u, v), (len(u), u.shape[1], v.shape[1])
        if not isinstance(values, Tensor) or tuple(values.shape) != expected:
            got = getattr(values, "shape", type(values).__name__)
            raise InputError(f"kernel(x, y) has shape {got}; return a tensor of shape {expected}")
        terms.append(torch.einsum("pi,pij,pj->p", left, values.double(), right))
        if u is v:
            own = left.square()
            diagonal = (own * values.diagonal(dim1=1, dim2=2)).sum(dim=1) / own.sum(dim=1)
            diagonals.append(diagonal)
    return terms, diagonals


def _unit_of(x: Tensor, y: Tensor) -> Tensor:
    """Power of two near the spread of pairs whose squares could overflow, else 1: (P,) float64."""
    low = torch.minimum(x.amin(dim=1), y.amin(dim=1)).detach().double()
    high = torch.maximum(x.amax(dim=1), y.amax(dim=1)).detach().double()
    spread = (high / 2.0 - low / 2.0).amax(dim=1)
    limit = 2.0**30 if x.dtype == torch.float32 else 2.0**100
    extreme = (spread > 0.0) & ((spread > limit) | (spread < 1.0 / limit))
    exponent = torch.frexp(torch.where(extreme, spread, 0.5)).exponent.clamp(max=1023)
    return torch.ldexp(torch.ones_like(spread), exponent)


def _are_even(weights: Tensor) -> bool:
    return not weights.requires_grad and bool((weights == 1.0 / weights.shape[-1]).all())


def _power(values: Tensor, p: float) -> Tensor:
    """values^p with gradient zero at zero, where that of a root is infinite."""
    if p == 1.0:
        return values
    positive = values > 0.0
    return torch.where(positive, torch.where(positive, values, 1.0) ** p, 0.0)
