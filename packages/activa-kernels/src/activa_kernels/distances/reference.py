"""Sums over the distances of two samples in plain NumPy: the definition the fast paths agree with.

All is float64, whatever the dtype of the samples. Distances are roots of summed squared differences:
|x|^2 + |y|^2 - 2xy loses close rows that are far from the origin. Memory stays bounded by blocks of
rows, but for `pooled_median`, which sorts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from activa_kernels.distances.checks import Array, Rows, Samples

CELLS = 2**18  # distances held at once


def energy_terms(pairs: Samples) -> Array:
    """Return (P, 3): the weighted mean distances between the samples and within each."""
    return _terms(pairs, 1, lambda _, distances: distances[None])[..., 0]


def mmd_terms(pairs: Samples, bandwidths: Array) -> Array:
    """Return (P, 3, K): the same of the Gaussian kernel, for bandwidths (P, K)."""
    K = bandwidths.shape[1]
    return _terms(pairs, K, lambda p, r: np.stack([gaussian(r, s) for s in bandwidths[p]]))


def pooled_median(rows: Rows, *, or_mean: bool) -> Array:
    """Return (P,): the median distance of all pairs of rows (P, N, d)."""
    out = np.zeros(len(rows))
    N = rows.shape[1]
    for p, sample in enumerate(rows.astype(np.float64)):
        if not np.isfinite(sample).all():
            out[p] = np.nan
            continue
        later = [distances(sample[i : i + 1], sample[i + 1 :])[0] for i in range(N - 1)]
        every = np.concatenate(later) if later else np.zeros(1)
        out[p] = np.median(every)
        if or_mean and out[p] == 0:
            out[p] = every.sum() / max(np.count_nonzero(every), 1)
    return out


def quadratic_forms(rows: Rows, forms: Array, bandwidths: Array | None) -> Array:
    """Return (P, K): w'Dw for rows (P, N, d) and each w of (K, N); with bandwidths (P,), w'Kw."""
    out = np.zeros((len(rows), len(forms)))
    for p, sample in enumerate(rows.astype(np.float64)):
        if not np.isfinite(sample).all() or (bandwidths is not None and np.isnan(bandwidths[p])):
            out[p] = np.nan
            continue
        for part in _blocks(len(sample), len(sample)):
            gram = distances(sample[part], sample)
            if bandwidths is not None:
                gram = gaussian(gram, bandwidths[p])
            out[p] += (forms[:, part] * (forms @ gram.T)).sum(axis=1)
    return out


def permuted_signs(n: int, m: int, n_permutations: int, seed: int) -> Array:
    """Return (1 + n_permutations, n + m): 1/n and -1/m as the samples have it, then permuted."""
    signs = np.repeat([1.0 / n, -1.0 / m], [n, m])
    copies = np.tile(signs, (n_permutations, 1))
    permuted = np.random.default_rng(seed).permuted(copies, axis=1)
    return np.concatenate([signs[None], permuted])


def distances(x: Array, y: Array) -> Array:
    """Return the Euclidean distances of all rows, (n, d) and (m, d) -> (n, m)."""
    total = np.zeros((len(x), len(y)))
    for column in range(x.shape[1]):
        total += (x[:, None, column] - y[None, :, column]) ** 2
    return np.sqrt(total, out=total)


def gaussian(distances: Array, bandwidth: float) -> Array:
    """exp(-r^2 / (2 s^2)); a bandwidth of zero leaves equal rows at 1 and all others at 0."""
    if bandwidth == 0:
        return np.asarray(distances == 0, dtype=np.float64)
    with np.errstate(over="ignore"):  # a far row at a tiny bandwidth: the kernel is exactly 0
        return np.asarray(np.exp(-0.5 * (distances / bandwidth) ** 2))


def _terms(pairs: Samples, K: int, values: Callable[[int, Array], Array]) -> Array:
    """Sum a_i b_j of (K, n, m) values over both rows, for x and y, x and x, y and y."""
    P = len(pairs.x)
    out = np.full((P, 3, K), np.nan)
    weights = (np.broadcast_to(part, (P, part.shape[1])) for part in (pairs.a, pairs.b))
    for p, (a, b) in enumerate(zip(*weights, strict=True)):
        x, y = pairs.x[p].astype(np.float64), pairs.y[p].astype(np.float64)
        if not all(np.isfinite(part).all() for part in (x, y, a, b)):
            continue
        for place, (left, at, right, of) in enumerate(((x, a, y, b), (x, a, x, a), (y, b, y, b))):
            out[p, place] = sum(
                values(p, distances(left[part], right)) @ of @ at[part]
                for part in _blocks(len(left), len(right))
            )
    return out


def _blocks(n: int, m: int) -> Iterator[slice]:
    size = max(1, CELLS // m)
    for start in range(0, n, size):
        yield slice(start, start + size)
