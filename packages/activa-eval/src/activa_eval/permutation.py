"""Permutation tests of "both samples have the same law"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt
from activa_kernels.distances import permutation_statistics
from activa_kernels.distances.reference import permuted_signs

from activa_eval.arrays import FloatArray, Pairs, paired, whole
from activa_eval.bandwidth import Widths, pairs_by_unit
from activa_eval.distances import Kernel, gram

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
    options = _draws(n_permutations, seed)
    pairs, unit = paired(x, y).scaled()
    observed, permuted, mean = permutation_statistics(pairs.x, pairs.y, **options)
    return _result(pairs, observed * unit, p_values(observed, permuted, mean))


def mmd_test(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    n_permutations: int = 999,
    seed: int,
    bandwidth: str | float | Sequence[float] = "median",
    multiples: float | Sequence[float] = 1.0,
    kernel: Kernel | None = None,
) -> PermutationResult:
    """Test by MMD^2 whether two samples have the same law; see `energy_test`.

    Parameters
    ----------
    x, y, n_permutations, seed
        As for `energy_test`.
    bandwidth : "median", float or sequence of float
        The pooled median, which does not change under permutation, or numbers, as for `mmd`.
    multiples, kernel
        As for `mmd`.

    Returns
    -------
    PermutationResult
        As for `energy_test`.

    Raises
    ------
    InputError
        As `energy_test` and `mmd`.

    Examples
    --------
    >>> float(mmd_test([[0.0], [1.0]], [[0.0], [1.0]], seed=0).p_value)
    1.0
    """
    options = _draws(n_permutations, seed)
    widths = Widths.of(bandwidth, multiples, ("median",), kernel)
    pairs = paired(x, y)
    if kernel is None:
        scales = widths.read(pairs)  # (P, K)
        observed, permuted = np.zeros(len(scales)), np.zeros((len(scales), n_permutations))
        for (where, _), some, widths_of_some in pairs_by_unit(pairs, scales):
            for scale in widths_of_some.T:
                with np.errstate(over="ignore"):
                    found = permutation_statistics(some.x, some.y, bandwidth=scale, **options)
                observed[where] += found.observed / scales.shape[1]
                permuted[where] += found.permuted / scales.shape[1]
    else:
        observed, permuted = _by_kernel(pairs, kernel, n_permutations, seed)
    return _result(pairs, observed, p_values(observed, permuted, np.ones(len(observed))))


def p_values(observed: FloatArray, permuted: FloatArray, scale: FloatArray) -> FloatArray:
    """(1 + #{T_perm >= T}) / (1 + permutations) of (P,) and (P, K); NaN where T is.

    Statistics differ by rounding only if they do so on the `scale` (P,) of what they sum.
    """
    limit = observed - TIE * np.maximum(scale, np.abs(observed))
    extreme = np.count_nonzero(permuted >= limit[:, None], axis=1)
    p_value = (1.0 + extreme) / (1.0 + permuted.shape[1])
    return np.where(np.isnan(observed), np.nan, p_value)


class _Draws(TypedDict):
    n_permutations: int
    seed: int


def _draws(n_permutations: int, seed: int) -> _Draws:
    return {
        "n_permutations": whole(n_permutations, "n_permutations", 1),
        "seed": whole(seed, "seed", 0),
    }


def _result(pairs: Pairs, observed: FloatArray, p_value: FloatArray) -> PermutationResult:
    return PermutationResult(pairs.unflatten(observed.clip(min=0.0)), pairs.unflatten(p_value))


def _by_kernel(
    pairs: Pairs, kernel: Kernel, n_permutations: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return w'Kw for w = (1/n, ..., -1/m, ...), and for permuted w: (P,) and (P, n_permutations)."""
    n, m = pairs.x.shape[1], pairs.y.shape[1]
    signs = permuted_signs(n, m, n_permutations, seed)
    forms = np.full((len(pairs.x), len(signs)), np.nan)
    for where, x, y, _, _ in pairs.blocks((n + m) * (n + m + n_permutations)):
        pooled = np.concatenate([x, y], axis=1).astype(np.float64, copy=False)
        values = gram(kernel, pooled, pooled)
        forms[where] = np.einsum("kj,pkj->pk", signs, np.einsum("ki,pij->pkj", signs, values))
    return forms[:, 0], forms[:, 1:]
