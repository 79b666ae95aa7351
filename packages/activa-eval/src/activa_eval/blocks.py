"""Estimates for samples with more rows than pairs of rows can be visited."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from activa_eval.arrays import FloatArray, whole
from activa_eval.bandwidth import Bandwidth, Widths
from activa_eval.distances import energy_distance, mmd
from activa_eval.errors import InputError


class BlockEstimate(NamedTuple):
    """A mean over blocks of rows."""

    value: float  # unbiased: it may be negative
    standard_error: float
    n_blocks: int


def energy_distance_blocks(
    x: Any, y: Any, *, block: int = 2000, n_blocks: int | None = None, seed: int = 0
) -> BlockEstimate:
    """Estimate the energy distance of large samples by the mean over disjoint blocks of rows.

    Takes (n + m) x block distances, not (n + m)^2, and holds one block of each sample. Where the laws
    differ, its standard error is to first order that of all n x m pairs; where they do not, it is
    larger by the root of n / block. `energy_distance(x, y)` is exact, and takes the time it takes.

    Parameters
    ----------
    x, y : arrays, shapes (n, d) and (m, d)
        Anything with a shape that gives the rows of an ascending index array: NumPy arrays and
        memory maps, HDF5 data sets, torch tensors.
    block : int
        Rows of each sample in a block, at least 2.
    n_blocks : int, optional
        At least 2; by default as many as the smaller sample fills.
    seed : int
        Draws which rows share a block, so that their order in `x` and `y` does not matter.

    Returns
    -------
    BlockEstimate
        Of the U-statistic, in the units of the data; NaN if a row that is read is not finite.

    Raises
    ------
    InputError
        If a sample is not two-dimensional, or fills fewer than two blocks.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).standard_normal((2, 800, 2)) + [[[0.0, 0.0]], [[1.0, 0.0]]]
    >>> found = energy_distance_blocks(*rows, block=100)
    >>> exact = energy_distance(*rows, biased=False)
    >>> bool(abs(found.value - exact) < 3 * found.standard_error), found.n_blocks
    (True, 8)
    """
    pairs = _Blocks(x, y, block, n_blocks, seed)
    return pairs.mean(lambda x, y: energy_distance(x, y, biased=False))


def mmd_blocks(
    x: Any,
    y: Any,
    *,
    bandwidth: Bandwidth = "median",
    multiples: float | Sequence[float] = 1.0,
    block: int = 2000,
    n_blocks: int | None = None,
    seed: int = 0,
) -> BlockEstimate:
    """Estimate MMD^2 of large samples by the mean over disjoint blocks of rows (Zaremba et al., 2013).

    Parameters
    ----------
    x, y, block, n_blocks, seed
        As for `energy_distance_blocks`.
    bandwidth, multiples
        As for `mmd`; a median is that of the first block, and is used for all of them.

    Returns
    -------
    BlockEstimate
        Of the squared MMD, without unit.

    Raises
    ------
    InputError
        As `energy_distance_blocks` and `mmd`.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).standard_normal((2, 800, 2)) + [[[0.0, 0.0]], [[1.0, 0.0]]]
    >>> found = mmd_blocks(*rows, block=100)
    >>> exact = mmd(*rows, biased=False, squared=True)
    >>> bool(abs(found.value - exact) < 3 * found.standard_error)
    True
    """
    widths = Widths.of(bandwidth, multiples, ("median", "truth"), None)
    pairs = _Blocks(x, y, block, n_blocks, seed)
    numbers = widths.of_pair(*pairs.read(0))
    return pairs.mean(lambda x, y: mmd(x, y, bandwidth=numbers, biased=False, squared=True))


class _Blocks:
    """Disjoint random blocks of the rows of two samples."""

    def __init__(self, x: Any, y: Any, block: int, n_blocks: int | None, seed: int) -> None:
        self.samples, self.block = (x, y), whole(block, "block", 2)
        sizes = []
        for name, sample in (("x", x), ("y", y)):
            shape = tuple(getattr(sample, "shape", ()))
            if len(shape) != 2:
                raise InputError(f"{name} has shape {shape}; give an array of (rows, columns)")
            sizes.append(shape[0])
        filled = min(sizes) // self.block
        self.n_blocks = filled if n_blocks is None else whole(n_blocks, "n_blocks", 2)
        if not 2 <= self.n_blocks <= filled:
            raise InputError(
                f"{min(sizes)} rows fill {filled} blocks of {self.block}; give 2 to {filled} "
                "blocks, or a smaller block"
            )
        rng = np.random.default_rng(whole(seed, "seed", 0))
        kept = self.n_blocks * self.block
        self.order = [rng.permutation(size)[:kept] for size in sizes]

    def read(self, index: int) -> tuple[Any, Any]:
        rows = slice(index * self.block, (index + 1) * self.block)
        return tuple(
            sample[np.sort(order[rows])]
            for sample, order in zip(self.samples, self.order, strict=True)
        )

    def mean(self, measure: Callable[[Any, Any], FloatArray]) -> BlockEstimate:
        values = np.array([float(measure(*self.read(k))) for k in range(self.n_blocks)])
        error = float(values.std(ddof=1)) / math.sqrt(self.n_blocks)
        return BlockEstimate(float(values.mean()), error, self.n_blocks)
