"""The distances on torch tensors, for gradients and for other devices; all in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from activa_kernels.distances import transport_plan
from torch import Tensor

from activa_eval.arrays import FloatArray, broadcast_batch, check_samples, to_float, weights_of
from activa_eval.bandwidth import Widths
from activa_eval.errors import InputError
from activa_eval.line import merge_even, monotone_plan, rounding_of
from activa_eval.transport import Transport

HIGHEST_ORDER = 20.0  # beyond it, powers of distances and of their gradients vanish in float64

Measure: TypeAlias = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class TensorPairs:
    """P checked pairs on one device, with weights that sum to one; a twin of `arrays.Pairs`."""

    x: Tensor  # (P, n, d)
    y: Tensor  # (P, m, d)
    a: Tensor  # (P, n)
    b: Tensor  # (P, m)
    batch: tuple[int, ...]

    def map(self, measure: Measure) -> Tensor:
        """Return the batch's numbers; NaN, without a gradient, for a pair that is not finite."""
        values = self.x.new_full((len(self.x),), torch.nan)
        where = self.usable()
        if len(where):
            parts = (self.x, self.y, self.a, self.b)
            values = values.index_put((where,), measure(*(part[where] for part in parts)))
        return values.reshape(self.batch)

    def usable(self) -> Tensor:
        """Return the pairs whose entries are all finite."""
        parts = (self.x, self.y, self.a, self.b)
        finite = torch.stack([part.isfinite().flatten(1).all(dim=1) for part in parts])
        return finite.all(dim=0).nonzero()[:, 0]


def paired(x: Any, y: Any, a: Any = None, b: Any = None, *, least: int = 1) -> TensorPairs:
    """Check two samples and their weights, as `arrays.paired` does, without leaving their device."""
    device = next(v.device for v in (x, y, a, b) if isinstance(v, Tensor) and _leads(v))
    first, second = _real(x, "x", device), _real(y, "y", device)
    check_samples(tuple(first.shape), tuple(second.shape))
    left = _weights(a, first, "a", "x", least)
    right = _weights(b, second, "b", "y", least)
    parts = {"x": (first, 2), "y": (second, 2), "a": (left, 1), "b": (right, 1)}
    batch = broadcast_batch(*(tuple(part.shape[:-own]) for part, own in parts.values()))
    flat = {
        name: part.expand(*batch, *part.shape[-own:]).reshape(-1, *part.shape[-own:])
        for name, (part, own) in parts.items()
    }
    return TensorPairs(**flat, batch=batch)


def energy_distance(pairs: TensorPairs, *, biased: bool, sqrt: bool) -> Any:
    """As `distances.energy_distance`; a distance of zero has gradient zero."""

    def measure(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        within = _within(_distances(x, x), a, biased) + _within(_distances(y, y), b, biased)
        energy = 2.0 * _mean(_distances(x, y), a, b) - within
        energy = energy.clamp(min=0.0) if biased else energy
        return _root(energy) if sqrt else energy

    return pairs.map(measure)


def mmd(pairs: TensorPairs, widths: Widths, kernel: Any, *, biased: bool, squared: bool) -> Any:
    """As `distances.mmd`; a median is differentiated as well."""

    def measure(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        if kernel is None:
            grams = _gaussian_grams(x, y, widths)
        else:
            grams = tuple(_checked(kernel(u, v), u, v) for u, v in ((x, x), (y, y), (x, y)))
        within = _within(grams[0], a, biased) + _within(grams[1], b, biased)
        square = within - 2.0 * _mean(grams[2], a, b)
        square = square.clamp(min=0.0) if biased else square
        return square if squared else _root(square)

    return pairs.map(measure)


def sliced_wasserstein(pairs: TensorPairs, lines: FloatArray, p: float) -> Any:
    """As `sliced.sliced_wasserstein`, along given directions (K, d)."""
    _refuse_high_order(p)

    def measure(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        origin, along = x[:, :1].detach(), torch.as_tensor(lines, device=x.device)
        left, right = (((rows - origin) @ along.T).mT for rows in (x, y))  # (P, K, n), (P, K, m)
        top = _largest(left, right)
        powers = _on_lines(left / top, right / top, a, b, p).mean(dim=1)
        return top[:, 0, 0] * _power(powers, 1.0 / p)

    return pairs.map(measure)


def wasserstein(pairs: TensorPairs, p: float) -> Transport:
    """As `transport.wasserstein`: the plan is found on the CPU, and held fixed for gradients."""
    _refuse_high_order(p)
    if pairs.a.requires_grad or pairs.b.requires_grad:
        raise InputError("wasserstein has no gradients of weights; detach a and b")
    plans = pairs.x.new_full((len(pairs.x), pairs.x.shape[1], pairs.y.shape[1]), torch.nan)
    where = pairs.usable()

    def measure(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        distances = _distances(x, y)
        top = _largest(distances)
        powers = _power(distances / top, p)
        plans[where] = _plan(x, y, powers, a, b)
        return top[:, 0, 0] * _power((plans[where] * powers).sum(dim=(1, 2)), 1.0 / p)

    distance: Any = pairs.map(measure)
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
    left, right, known, *weights = (t.detach().cpu().numpy() for t in (x, y, costs, a, b))
    if left.shape[-1] == 1:
        at_x, at_y, widths = monotone_plan(left[..., 0], right[..., 0], *weights)
        found = np.zeros_like(known)
        np.add.at(found, (np.arange(len(found))[:, None], at_x, at_y), widths)
    else:
        found = transport_plan(known, *weights)
    return torch.as_tensor(found, device=x.device)


def _leads(value: Tensor) -> bool:
    return value.requires_grad or value.device.type != "cpu"


def _real(value: Any, name: str, device: torch.device) -> Tensor:
    if not isinstance(value, Tensor):
        return torch.as_tensor(to_float(value, name), device=device)
    if value.is_complex():
        raise InputError(f"{name} is not an array of real numbers; convert it first")
    return value.to(device=device, dtype=torch.float64)


def _weights(value: Any, sample: Tensor, name: str, of: str, least: int) -> Tensor:
    checked = weights_of(value, sample.shape[-2], name, of, least)
    if not isinstance(value, Tensor):
        return torch.as_tensor(checked, device=sample.device)
    weights = value.to(device=sample.device, dtype=torch.float64)
    return weights / weights.sum(dim=-1, keepdim=True)


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean distances (P, n, m) by differences; its gradient between equal rows is zero."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def _mean(values: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.einsum("pi,pij,pj->p", a, values, b)


def _within(values: Tensor, weights: Tensor, biased: bool) -> Tensor:
    """Mean over all pairs of rows, or over different ones (unbiased)."""
    mean = _mean(values, weights, weights)
    if biased:
        return mean
    own = weights * weights
    diagonal = (own * values.diagonal(dim1=1, dim2=2)).sum(dim=1)
    return (mean - diagonal) / (1.0 - own.sum(dim=1))


def _gaussian_grams(x: Tensor, y: Tensor, widths: Widths) -> tuple[Tensor, ...]:
    """Mean of Gaussian kernels within x, within y and across."""
    grids = _distances(x, x), _distances(y, y), _distances(x, y)
    scales = _scales(*grids, widths)  # (P, K)
    safe = torch.where(scales > 0.0, scales, 1.0)
    return tuple(
        torch.stack([(-0.5 * (r / s[:, None, None]) ** 2).exp() for s in safe.T]).mean(dim=0)
        for r in grids
    )


def _scales(xx: Tensor, yy: Tensor, xy: Tensor, widths: Widths) -> Tensor:
    """As `Widths.read`, (P, K)."""
    numbers = torch.tensor(widths.numbers, dtype=xx.dtype, device=xx.device)
    if widths.rule is None:
        return numbers.expand(len(xx), -1)
    pooled = _median(torch.cat([_upper(xx), _upper(yy), xy.flatten(1)], dim=1))
    if widths.rule == "truth":
        own = _median(_upper(yy))
        pooled = torch.where(own > 0.0, own, pooled)
    return pooled[:, None] * numbers


def _upper(grid: Tensor) -> Tensor:
    rows, columns = torch.triu_indices(grid.shape[1], grid.shape[2], offset=1, device=grid.device)
    return grid[:, rows, columns]


def _median(values: Tensor) -> Tensor:
    """Median, else the mean of the positive values, else 0; (P, k) -> (P,)."""
    k = values.shape[1]
    if k == 0:
        return values.new_zeros(len(values))
    ordered = values.sort(dim=1).values
    median = (ordered[:, (k - 1) // 2] + ordered[:, k // 2]) / 2.0
    mean = values.sum(dim=1) / (values > 0.0).sum(dim=1).clamp(min=1)
    return torch.where(median > 0.0, median, mean)


def _checked(values: Any, x: Tensor, y: Tensor) -> Tensor:
    expected = (len(x), x.shape[1], y.shape[1])
    if not isinstance(values, Tensor) or tuple(values.shape) != expected:
        got = getattr(values, "shape", type(values).__name__)
        raise InputError(f"kernel(x, y) has shape {got}; return a tensor of shape {expected}")
    return values


def _on_lines(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: float) -> Tensor:
    """W_p^p on each of K lines, (P, K, n) and (P, K, m) -> (P, K); see `line.monotone_plan`."""
    (x, by_x), (y, by_y) = x.sort(dim=-1), y.sort(dim=-1)
    n, m = x.shape[-1], y.shape[-1]
    if _are_even(a) and _are_even(b):
        at_x, at_y, widths = (torch.as_tensor(v, device=x.device) for v in merge_even(n, m))
        return (widths * _power((x[..., at_x] - y[..., at_y]).abs(), p)).sum(dim=-1)
    ends = [
        w[:, None].expand(*order.shape).gather(-1, order).cumsum(dim=-1)
        for w, order in ((a, by_x), (b, by_y))
    ]
    steps, order = torch.cat(ends, dim=-1).sort(dim=-1, stable=True)  # (P, K, n + m)
    from_x = order < n
    at_x = (from_x.cumsum(dim=-1) - from_x.long()).clamp(max=n - 1)
    at_y = ((~from_x).cumsum(dim=-1) - (~from_x).long()).clamp(max=m - 1)
    widths = torch.diff(steps, dim=-1, prepend=torch.zeros_like(steps[..., :1]))
    widths = torch.where(widths < rounding_of(n + m), 0.0, widths)
    gaps = (x.gather(-1, at_x) - y.gather(-1, at_y)).abs()
    return (widths * _power(gaps, p)).sum(dim=-1)


def _are_even(weights: Tensor) -> bool:
    return not weights.requires_grad and bool((weights == 1.0 / weights.shape[-1]).all())


def _power(values: Tensor, p: float) -> Tensor:
    """values^p with gradient zero at zero, where that of a root is infinite."""
    if p == 1.0:
        return values
    positive = values > 0.0
    return torch.where(positive, torch.where(positive, values, 1.0) ** p, 0.0)


def _root(values: Tensor) -> Tensor:
    return _power(values, 0.5)
