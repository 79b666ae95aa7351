"""Distances by the compiled extension: arrays across, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from activa_kernels.backend import instruction_set, native, threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_kernels.distances.checks import Array, Rows, Samples


def energy_terms(pairs: Samples) -> Array:
    """Return (P, 3), as the reference."""
    return _terms(pairs, np.empty((len(pairs.x), 0)), np.empty((len(pairs.x), 3)))


def mmd_terms(pairs: Samples, bandwidths: Array) -> Array:
    """Return (P, 3, K), as the reference."""
    return _terms(pairs, bandwidths, np.empty((len(pairs.x), 3, bandwidths.shape[1])))


def _terms(pairs: Samples, bandwidths: Array, out: Array) -> Array:
    arrays = (pairs.x, pairs.y, pairs.a, pairs.b, bandwidths, out)
    native().distance_terms(*arrays, instruction_set(), threads())
    return out


def pooled_median(rows: Rows, *, or_mean: bool) -> Array:
    """Return (P,), as the reference."""
    out = np.empty(len(rows))
    native().pooled_median(rows, or_mean, out, instruction_set(), threads())
    return out


def quadratic_forms(rows: Rows, forms: Array, bandwidths: Array | None) -> Array:
    """Return (P, K), as the reference."""
    out = np.empty((len(rows), len(forms)))
    scales = np.empty(0) if bandwidths is None else bandwidths
    native().quadratic_forms(rows, forms, scales, out, instruction_set(), threads())
    return out


def assignment(cost: Array) -> NDArray[np.int64]:
    """Return (P, n), as the solvers."""
    out = np.empty(cost.shape[:2], dtype=np.int64)
    native().assignment(cost, out, instruction_set(), threads())
    return out


def transport(cost: Array, a: Array, b: Array, *, with_plan: bool) -> tuple[Array, Array, int]:
    """Return (P,), then (P, n, m) or (P, 0, 0), and the first pair that failed, or -1."""
    P, n, m = cost.shape
    out = np.empty(P)
    plan = np.empty((P, n, m) if with_plan else (P, 0, 0))
    failed: int = native().transport(cost, a, b, out, plan, instruction_set(), threads())
    return out, plan, failed


def wasserstein_power(x: Rows, y: Rows, a: Array, b: Array, p: float) -> tuple[Array, int]:
    """Return (P,), and the first pair that failed, or -1."""
    out = np.empty(len(x))
    failed: int = native().wasserstein_power(x, y, a, b, p, out, instruction_set(), threads())
    return out, failed
