"""The widths of MMD's Gaussian kernel: a rule or numbers, checked and read off the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from activa_kernels.distances import pooled_median

from activa_eval.arrays import FloatArray, IntArray, Pairs, Rows, paired, to_float
from activa_eval.errors import InputError

# Widths whose squares, and those of distances near them, are far from the ends of float64. What
# leaves float32 is widened where it is squared.
LEAST, LARGEST = 2.0**-450, 2.0**450

Bandwidth: TypeAlias = str | float | Sequence[float]


@dataclass(frozen=True)
class Widths:
    """One or more widths: multiples of a median distance, or numbers in the units of the data."""

    rule: str | None  # "median", "truth", or None for numbers
    numbers: tuple[float, ...]  # multiples of what the rule gives, or the widths themselves

    @classmethod
    def of(cls, bandwidth: Any, multiples: Any, rules: tuple[str, ...], kernel: Any) -> Widths:
        """Check a bandwidth and its multiples; `rules` are the names that it may have.

        A `kernel` of the caller's has no bandwidth here.
        """
        if kernel is not None and (bandwidth, multiples) != ("median", 1.0):
            raise InputError("a kernel of your own has no bandwidth here; leave one of them out")
        allowed = ", ".join(f'"{rule}"' for rule in rules)
        factors = _positive(multiples, "multiples")
        if isinstance(bandwidth, str):
            if bandwidth not in rules:
                raise InputError(
                    f'bandwidth "{bandwidth}" is unknown here; use {allowed} or positive numbers'
                )
            return cls(bandwidth, factors)
        widths = _positive(bandwidth, "bandwidth")
        return cls(None, tuple(width * factor for width in widths for factor in factors))

    def read(self, pairs: Pairs) -> FloatArray:
        """Return the widths (P, K); 0 where all rows are equal, NaN where one is not finite."""
        numbers = np.array(self.numbers)
        if self.rule is None:
            return np.broadcast_to(numbers, (len(pairs.x), len(numbers)))
        if self.rule == "median":
            scale = _median(_pooled(pairs))
        else:
            scale = _median(pairs.y)
            missing = np.flatnonzero(scale == 0.0)
            if len(missing):  # a truth without two different rows has no scale of its own
                scale[missing] = _median(_pooled(pairs.some(missing)))
        return np.asarray(scale[:, None] * numbers)

    def of_pair(self, x: npt.ArrayLike, y: npt.ArrayLike) -> list[float]:
        """Return the widths for one pair of samples (n, d) and (m, d)."""
        widths = self.read(paired(x, y))[0]
        if (widths == 0.0).any():
            raise InputError("the rows of the first block have no scale; give a bandwidth")
        return [float(width) for width in widths]


def pairs_by_unit(
    pairs: Pairs, widths: FloatArray
) -> Iterator[tuple[tuple[slice | IntArray, slice], Pairs, FloatArray]]:
    """Yield (where in `widths`, pairs, widths) with numbers that the kernel can take as they are.

    What is much smaller than a width may underflow, and what is much larger may overflow, but a
    width itself and its square may not: pairs with such a width are divided by each, in float64.
    """
    lost = (((widths < LEAST) & (widths > 0.0)) | (widths > LARGEST)).any(axis=1)
    every = slice(None)
    if not lost.any():
        yield (every, every), pairs, widths
        return
    kept = np.flatnonzero(~lost)
    yield (kept, every), pairs.some(kept), widths[kept]
    for pair in np.flatnonzero(lost):
        one = slice(pair, pair + 1)
        alone = pairs.some(one)
        x, y = (part.astype(np.float64) for part in (alone.x, alone.y))
        largest = int(np.frexp(max(np.abs(x).max(), np.abs(y).max()))[1])
        for column in range(widths.shape[1]):
            width = widths[pair, column]
            unit = np.ldexp(1.0, min(1023, max(int(np.frexp(width)[1]), largest - 1020)))
            scaled = replace(alone, x=x / unit, y=y / unit)
            yield (one, slice(column, column + 1)), scaled, np.full((1, 1), width / unit)


def _pooled(pairs: Pairs) -> Rows:
    """Rows of both samples, (P, n + m, d)."""
    return np.concatenate([pairs.x, pairs.y], axis=1)


def _median(rows: Rows) -> FloatArray:
    """Median distance of rows (P, N, d), else the mean of the positive ones, else 0: (P,).

    Where it is close to what squares can hold, it is looked for among rows divided by their spread.
    """
    with np.errstate(over="ignore"):  # a distance that overflows is infinite, and no median yet
        median = pooled_median(rows)
    lost = np.flatnonzero(~((median > LEAST) & (median < LARGEST)) & ~np.isnan(median))
    if len(lost):
        halves = rows[lost].astype(np.float64) / 2.0  # whose differences cannot overflow
        spread = np.abs(halves - halves[:, :1]).max(axis=(1, 2))
        unit = np.ldexp(1.0, np.frexp(np.where(spread > 0.0, spread, 0.5))[1].clip(max=1023))
        relative = pooled_median(halves / unit[:, None, None], or_mean=True)
        median[lost] = relative * unit * 2.0
    return median


def _positive(value: Any, name: str) -> tuple[float, ...]:
    """Return one or more positive numbers as a tuple."""
    numbers = to_float(value, name)
    if numbers.ndim > 1 or numbers.size == 0:
        raise InputError(f"{name} has shape {numbers.shape}; give a number, or a list of them")
    for number in numbers.ravel():
        if not 0.0 < number < np.inf:
            raise InputError(f"{name} {number} is not a positive number; give one above zero")
    return tuple(map(float, numbers.ravel()))
