"""Permutation tests of "both samples have the same law"."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import FloatArray, paired
from activa_eval.errors import InputError
from activa_eval.pairwise import distances_between, gaussian_kernel, median_bandwidth, upper

TIE = 1e-12  # a permutation that equals the data up to rounding counts as extreme as the data


class PermutationResult(NamedTuple):
    """What a test found, both of the batch shape."""

    statistic: FloatArray
    p_value: FloatArray


def energy_test(
    x: npt.ArrayLike, y: npt.ArrayLike, *, n_permutations: int = 999, seed: int
) -> PermutationResult:
    """Test by the energy distance whether two samples have the same law.

    Parameters
    ----------
    x, y : array_like or torch.Tensor, shapes (..., n, d) and (..., m, d)
        Samples in the same units, batched over the leading axes, without weights.
    n_permutations : int
        The smallest possible p-value is 1 / (n_permutations + 1).
    seed : int
        Draws the permutations, the same for all pairs, so that a pair's result does not depend on
        what else is in the batch.

    Returns
    -------
    PermutationResult
        `statistic` (the V-statistic) and `p_value` (1 + #{T_perm >= T}) / (n_permutations + 1), of
        the batch shape; NaN for a pair with a non-finite entry.

    Raises
    ------
    InputError
        As `energy_distance`, or if there is no permutation to draw.

    Examples
    --------
    >>> x = [[0.0], [0.1], [0.2], [0.3], [0.4]]
    >>> y = [[9.0], [9.1], [9.2], [9.3], [9.4]]
    >>> float(energy_test(x, y, n_permutations=199, seed=0).p_value) <= 0.02
    True
    """
    return _test(lambda distances: -distances, x, y, n_permutations, seed)


def mmd_test(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    n_permutations: int = 999,
    seed: int,
    bandwidth: str | float = "median",
) -> PermutationResult:
    """Test by MMD^2 whether two samples have the same law; see `energy_test`.

    The bandwidth is the pooled median (it does not change under permutation) or a number.

    Examples
    --------
    >>> float(mmd_test([[0.0], [1.0]], [[0.0], [1.0]], seed=0).p_value)
    1.0
    """
    if bandwidth != "median" and (isinstance(bandwidth, str) or not 0.0 < bandwidth < np.inf):
        raise InputError(f'bandwidth {bandwidth!r} is neither "median" nor a positive number')

    def kernel(distances: FloatArray) -> FloatArray:
        if isinstance(bandwidth, str):
            scale = median_bandwidth(upper(distances))
        else:
            scale = np.full(len(distances), float(bandwidth))
        return gaussian_kernel(distances, scale)

    return _test(kernel, x, y, n_permutations, seed)


def _test(
    gram: Callable[[FloatArray], FloatArray],
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    n_permutations: int,
    seed: int,
) -> PermutationResult:
    """Compare T = w'Gw, w = (1/n, ..., -1/m, ...), with its values at permuted w."""
    if n_permutations < 1:
        raise InputError(f"n_permutations is {n_permutations}; give at least 1")
    pairs = paired(x, y)
    n, m = pairs.x.shape[1], pairs.y.shape[1]
    signs = np.repeat([1.0 / n, -1.0 / m], [n, m])
    copies = np.tile(signs, (n_permutations, 1))
    permuted = np.random.default_rng(seed).permuted(copies, axis=1)
    statistic, p_value = np.full(len(pairs.x), np.nan), np.full(len(pairs.x), np.nan)
    for where, left, right, _, _ in pairs.blocks():
        pooled = np.concatenate([left, right], axis=1)
        for pair, matrix in zip(where, gram(distances_between(pooled, pooled)), strict=True):
            observed = float(signs @ matrix @ signs)
            drawn = ((permuted @ matrix) * permuted).sum(axis=1)
            extreme = np.count_nonzero(drawn >= observed - TIE * max(1.0, observed))
            statistic[pair] = max(observed, 0.0)
            p_value[pair] = (1 + extreme) / (n_permutations + 1)
    return PermutationResult(pairs.unflatten(statistic), pairs.unflatten(p_value))
