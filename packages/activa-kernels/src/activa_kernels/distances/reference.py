"""Exact transport by SciPy or POT, for installations where nothing is compiled."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ITERATIONS = 100_000_000  # POT's own limit of 100,000 is too small for a few thousand rows


def transport_cost(
    cost: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the least costs (K,) for costs (K, n, m) and masses (K, n) and (K, m) of equal totals.

    An assignment (n = m, all masses equal) is left to `scipy.optimize.linear_sum_assignment`,
    anything else, or that too without SciPy, to POT's network simplex. NaN for a pair that is not
    finite.

    Raises
    ------
    RuntimeError
        If neither is installed, or POT stops at its iteration limit.
    """
    return np.array([_one(*pair) for pair in zip(cost, a, b, strict=True)], dtype=np.float64)


def _one(cost: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    if not all(np.isfinite(array).all() for array in (cost, a, b)):
        return float("nan")
    even = len(a) == len(b) and np.ptp(a) <= 1e-12 * a[0] and np.ptp(b) <= 1e-12 * a[0]
    if even and find_spec("scipy") is not None:
        return _by_assignment(cost) * float(a[0])
    if find_spec("ot") is not None:
        return _by_network_simplex(cost, a, b)
    raise RuntimeError(
        "exact transport needs a solver: install activa-kernels where there is a C++ compiler, "
        "or run `pip install pot scipy`"
    )


def _by_assignment(cost: NDArray[np.float64]) -> float:
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cost)
    return float(cost[rows, columns].sum())


def _by_network_simplex(
    cost: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> float:
    import ot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # POT only warns where it fails; the log tells
        _, log = ot.emd(a, b, cost, numItermax=ITERATIONS, log=True)
    if log["warning"] is not None:
        raise RuntimeError(f"optimal transport did not converge: {log['warning']}")
    return float(log["cost"])
