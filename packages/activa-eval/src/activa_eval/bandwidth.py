"""The widths of MMD's Gaussian kernel: a rule or numbers, checked and read off the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from activa_kernels.distances import pooled_median

from activa_eval.arrays import FloatArray, Pairs, paired, to_float
from activa_eval.errors import InputError

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
        """Return the widths (P, K) in the unit of each pair; 0 where all rows are equal."""
        numbers = np.array(self.numbers)
        if self.rule is None:
            return numbers / pairs.unit[:, None]
        scale = np.zeros(len(pairs.x))
        if self.rule == "truth":
            scale = pooled_median(pairs.y, or_mean=True)
        if (scale == 0.0).any():  # a truth without two different rows has no scale of its own
            pooled = pooled_median(pairs.x, pairs.y, or_mean=True)
            scale = np.where(scale == 0.0, pooled, scale)
        return np.asarray(scale[:, None] * numbers)

    def of_pair(self, x: npt.ArrayLike, y: npt.ArrayLike) -> list[float]:
        """Return the widths for one pair of samples (n, d) and (m, d), in the units of the data."""
        pairs = paired(x, y)
        widths = self.read(pairs)[0] * pairs.unit[0]
        if not (widths > 0.0).all():
            raise InputError("the rows of the first block have no scale; give a bandwidth")
        return [float(width) for width in widths]


def _positive(value: Any, name: str) -> tuple[float, ...]:
    """Return one or more positive numbers as a tuple."""
    numbers = to_float(value, name)
    if numbers.ndim > 1 or numbers.size == 0:
        raise InputError(f"{name} has shape {numbers.shape}; give a number, or a list of them")
    for number in numbers.ravel():
        if not 0.0 < number < np.inf:
            raise InputError(f"{name} {number} is not a positive number; give one above zero")
    return tuple(map(float, numbers.ravel()))
