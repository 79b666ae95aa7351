"""A permutation test of "all samples have the same law", for any number of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from activa_kernels.distances import quadratic_forms

from activa_eval.arrays import (
    Rows,
    broadcast_batch,
    check_samples,
    first_tensor,
    paired,
    to_real,
    whole,
)
from activa_eval.errors import InputError
from activa_eval.permutation import PermutationResult, p_values


def k_sample_energy_test(
    samples: Sequence[npt.ArrayLike], *, n_permutations: int = 999, seed: int
) -> PermutationResult:
    """Test by energy distances whether k samples have the same law (Szekely & Rizzo, 2004).

    The statistic is the sum over pairs of samples of n m / (n + m) times their energy distance.

    Parameters
    ----------
    samples : sequence of k array_like or torch.Tensor, shapes (..., n_i, d)
        At least two, in the same units, batched over the leading axes, without weights.
    n_permutations, seed : int
        As for `energy_test`.

    Returns
    -------
    PermutationResult
        As for `energy_test`.

    Raises
    ------
    InputError
        If there are fewer than two samples; else as `energy_test`.

    Examples
    --------
    >>> groups = [[[0.0], [0.1], [0.2]], [[0.0], [0.1], [0.3]], [[9.0], [9.1], [9.2]]]
    >>> float(k_sample_energy_test(groups, n_permutations=199, seed=0).p_value) < 0.05
    True
    """
    n_permutations = whole(n_permutations, "n_permutations", 1)
    seed = whole(seed, "seed", 0)
    if len(samples) < 2:
        raise InputError(f"there are {len(samples)} samples to compare; give at least 2")
    rows = _pool(samples)
    sizes = [sample.shape[-2] for sample in rows]
    pooled = np.concatenate(rows, axis=-2)
    pairs, unit = paired(pooled, pooled).scaled()
    labels = np.repeat(np.arange(len(sizes)), sizes)
    copies = np.tile(labels, (n_permutations, 1))
    drawn = np.random.default_rng(seed).permuted(copies, axis=1)
    drawn = np.concatenate([labels[None], drawn])  # (1 + n_permutations, N)
    total = np.zeros((len(pairs.x), len(drawn)))
    for i, j in combinations(range(len(sizes)), 2):
        n, m = sizes[i], sizes[j]
        signs = (drawn == i) / n - (drawn == j) / m
        total -= n * m / (n + m) * quadratic_forms(pairs.x, signs)
    p_value = p_values(total[:, 0], total[:, 1:], pairs.spread())
    statistic = total[:, 0].clip(min=0.0) * unit
    pairs = replace(pairs, tensor=first_tensor(*samples))
    return PermutationResult(pairs.unflatten(statistic), pairs.unflatten(p_value))


def _pool(samples: Sequence[npt.ArrayLike]) -> list[Rows]:
    """Check k samples and broadcast their leading axes, each (..., n_i, d)."""
    rows = [to_real(sample, f"samples[{index}]") for index, sample in enumerate(samples)]
    for index, sample in enumerate(rows):
        try:
            check_samples(rows[0].shape, sample.shape)
        except InputError as error:
            raise InputError(f"samples[0] as x, samples[{index}] as y: {error}") from None
    batch = broadcast_batch(*(sample.shape[:-2] for sample in rows))
    return [np.broadcast_to(sample, (*batch, *sample.shape[-2:])) for sample in rows]
