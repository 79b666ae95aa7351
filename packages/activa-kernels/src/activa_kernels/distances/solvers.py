"""Exact transport by SciPy or POT, for installations where nothing is compiled."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from activa_kernels.distances.reference import distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_kernels.distances.checks import Array, Rows

ITERATIONS = 100_000_000  # POT's own limit of 100,000 is too small for a few thousand rows


def assignment(cost: Array) -> NDArray[np.int64]:
    """Return the columns (P, n) of least sums for costs (P, n, n); -1 for one that is not finite.

    Raises
    ------
    RuntimeError
        If neither SciPy nor POT is installed.
    """
    out = np.full(cost.shape[:2], -1, dtype=np.int64)
    even = np.full(cost.shape[1], 1 / cost.shape[1])
    for p, matrix in enumerate(cost):
        if np.isfinite(matrix).all():
            plan, _ = _plan(matrix, even, even)
            out[p] = plan.argmax(axis=1)
    return out


def transport(cost: Array, a: Array, b: Array, *, with_plan: bool) -> tuple[Array, Array, int]:
    """Return the least costs (P,) for costs (P, n, m), masses (P, n) and (P, m) of equal totals.

    An assignment (n = m, all masses equal) is left to `scipy.optimize.linear_sum_assignment`,
    anything else, or that too without SciPy, to POT's network simplex. NaN for a pair that is not
    finite. Also returns the plans (P, n, m), or (P, 0, 0), and the first pair for which POT stopped
    at its iteration limit, or -1.

    Raises
    ------
    RuntimeError
        If neither is installed.
    """
    P, n, m = cost.shape
    out, failed = np.full(P, np.nan), -1
    plans = np.full((P, n, m) if with_plan else (P, 0, 0), np.nan)
    for p in range(P):
        if not all(np.isfinite(array[p]).all() for array in (cost, a, b)):
            continue
        plan, ended = _plan(cost[p], a[p], b[p])
        out[p] = (plan * cost[p]).sum()
        if with_plan:
            plans[p] = plan
        if not ended and failed < 0:
            failed = p
    return out, plans, failed


def wasserstein_power(x: Rows, y: Rows, a: Array, b: Array, p: float) -> tuple[Array, int]:
    """Return W_p^p (P,) of samples (P, n, d) and (P, m, d), and the first failed pair, or -1."""
    out, failed = np.full(len(x), np.nan), -1
    a, b = (np.broadcast_to(part, (len(x), part.shape[1])) for part in (a, b))
    for pair in range(len(x)):
        known = np.isfinite(x[pair]).all() and np.isfinite(y[pair]).all()
        if known:
            cost = distances(x[pair].astype(np.float64), y[pair].astype(np.float64)) ** p
            one = slice(pair, pair + 1)
            out[one], _, ended = transport(cost[None], a[one], b[one], with_plan=False)
            if ended == 0 and failed < 0:
                failed = pair
    return out, failed


def _plan(cost: Array, a: Array, b: Array) -> tuple[Array, bool]:
    """Return a plan of least cost, and whether the search ended."""
    even = len(a) == len(b) and np.ptp(a) <= 1e-12 * a[0] and np.ptp(b) <= 1e-12 * a[0]
    if even and find_spec("scipy") is not None:
        return _by_assignment(cost) * a[0], True
    if find_spec("ot") is not None:
        return _by_network_simplex(cost, a, b)
    raise RuntimeError(
        "exact transport needs a solver: install activa-kernels where there is a C++ compiler, "
        "or run `pip install pot scipy`"
    )


def _by_assignment(cost: Array) -> Array:
    from scipy.optimize import linear_sum_assignment

    plan = np.zeros_like(cost)
    plan[linear_sum_assignment(cost)] = 1
    return plan


def _by_network_simplex(cost: Array, a: Array, b: Array) -> tuple[Array, bool]:
    import ot

    unit = np.abs(cost).max() or 1.0  # POT's tolerance is absolute
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # POT only warns where it fails; the log tells
        plan, log = ot.emd(a, b, cost / unit, numItermax=ITERATIONS, log=True)
    return np.asarray(plan), log["warning"] is None
