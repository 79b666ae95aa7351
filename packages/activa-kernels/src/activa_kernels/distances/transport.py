"""The public door of exact transport: checks once, then dispatches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from activa_kernels.backend import choose
from activa_kernels.distances import native, solvers
from activa_kernels.distances.checks import common, flat, samples, weights
from activa_kernels.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from activa_kernels.distances.checks import Array


def assignment(cost: ArrayLike) -> NDArray[np.int64]:
    """Return the column that each row gets where the sum of the costs is least.

    Parameters
    ----------
    cost : array_like, shape (..., n, n)
        Cost of giving column j to row i; may be negative.

    Returns
    -------
    ndarray of int64, shape (..., n)
        A permutation of the columns; -1 throughout for a matrix with an entry that is not finite.

    Raises
    ------
    InputError
        If the matrices are empty or not square.
    RuntimeError
        If nothing that could solve the problem is installed.

    Examples
    --------
    >>> assignment([[4.0, 1.0], [2.0, 3.0]])
    array([1, 0])
    """
    costs = _costs(cost)
    n, m = costs.shape[-2:]
    if n != m:
        raise InputError(f"cost has shape {costs.shape}; give (..., n, n), or use transport_plan")
    compute = native.assignment if _compiled() else solvers.assignment
    return compute(flat(costs, costs.shape[:-2], 2)).reshape(*costs.shape[:-2], n)


def transport_cost(
    cost: ArrayLike, a: ArrayLike | None = None, b: ArrayLike | None = None
) -> Array:
    """Exact least cost of moving mass `a` to mass `b`: min sum_ij P_ij cost_ij over all plans P.

    Parameters
    ----------
    cost : array_like, shape (..., n, m)
        Cost of a unit of mass from row i to column j; may be negative.
    a, b : array_like, shapes (..., n) and (..., m), optional
        Masses, not negative, with equal totals; 1/n and 1/m by default. Leading axes broadcast.

    Returns
    -------
    ndarray of float64, shape (...,)
        NaN for a pair with an entry that is not finite, and for that pair only.

    Raises
    ------
    InputError
        If shapes do not fit, a mass is negative, or the totals differ by more than 1e-9 of them.
    RuntimeError
        If the search does not end, which names the pair, or nothing that could solve the problem is
        installed.

    Examples
    --------
    >>> float(transport_cost([[0.0, 3.0], [1.0, 1.0]]))  # half a unit stays, half costs 1
    0.5
    """
    return _transport(cost, a, b, with_plan=False)[0]


def transport_plan(
    cost: ArrayLike, a: ArrayLike | None = None, b: ArrayLike | None = None
) -> Array:
    """Return a plan P of least cost: what `transport_cost` sums over.

    Parameters and errors are those of `transport_cost`.

    Returns
    -------
    ndarray of float64, shape (..., n, m)
        P_ij >= 0 with row sums `a` and column sums `b`; at most n + m - 1 are positive. NaN for a
        pair with an entry that is not finite.

    Examples
    --------
    >>> transport_plan([[0.0, 3.0], [1.0, 1.0]])
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    return _transport(cost, a, b, with_plan=True)[1]


def wasserstein_power(
    x: ArrayLike,
    y: ArrayLike,
    a: ArrayLike | None = None,
    b: ArrayLike | None = None,
    *,
    p: float = 1.0,
) -> Array:
    """W_p^p of two samples: the least sum of P_ij r_ij^p with Euclidean distances r.

    Parameters
    ----------
    x, y : array_like, shapes (..., n, d) and (..., m, d)
        Samples, computed on in float64.
    a, b : array_like, shapes (..., n) and (..., m), optional
        As for `transport_cost`.
    p : float
        At least 1.

    Returns
    -------
    ndarray of float64, shape (...,)
        NaN for a pair with an entry that is not finite.

    Raises
    ------
    InputError
        As `transport_cost`, or if p < 1.
    RuntimeError
        As `transport_cost`.

    Examples
    --------
    >>> float(wasserstein_power([[0.0], [2.0]], [[1.0], [5.0]], p=2))
    5.0
    """
    if not 1 <= p < np.inf:
        raise InputError(f"p is {p}; give an order of at least 1")
    pairs = samples(x, y, a, b)
    right = _with_total_of(pairs.a, pairs.b)
    compute = native.wasserstein_power if _compiled() else solvers.wasserstein_power
    out, failed = compute(pairs.x, pairs.y, pairs.a, right, float(p))
    _refuse_failed(failed, pairs.batch)
    return out.reshape(pairs.batch)


def _transport(
    cost: ArrayLike, a: ArrayLike | None, b: ArrayLike | None, *, with_plan: bool
) -> tuple[Array, Array]:
    """Return the least costs (...,), and plans (..., n, m), or (..., 0, 0) if not asked for."""
    costs = _costs(cost)
    n, m = costs.shape[-2:]
    left, right = weights(a, n, "a"), weights(b, m, "b")
    batch = common([costs.shape[:-2], left.shape[:-1], right.shape[:-1]])
    costs, left, right = flat(costs, batch, 2), flat(left, batch, 1), flat(right, batch, 1)
    right = _with_total_of(left, right)
    compute = native.transport if _compiled() else solvers.transport
    out, plan, failed = compute(costs, left, right, with_plan=with_plan)
    _refuse_failed(failed, batch)
    return out.reshape(batch), plan.reshape(*batch, *plan.shape[1:])


def _costs(cost: ArrayLike) -> Array:
    costs = np.asarray(cost, dtype=np.float64)
    if costs.ndim < 2 or 0 in costs.shape[-2:]:
        raise InputError(f"cost has shape {costs.shape}; give (..., n, m) with n, m >= 1")
    return costs


def _with_total_of(a: Array, b: Array) -> Array:
    """Scale `b` by the rounding in which its totals differ from those of `a`."""
    totals, ours = a.sum(axis=-1, keepdims=True), b.sum(axis=-1, keepdims=True)
    known = np.isfinite(totals) & np.isfinite(ours)
    if (known & (totals <= 0)).any():
        raise InputError("a holds no mass; give at least one positive entry")
    apart = known & (np.abs(totals - ours) > 1e-9 * totals)
    if apart.any():
        raise InputError(
            f"a and b hold different masses, such as {totals[apart][0]} and {ours[apart][0]}; "
            "divide each by its sum"
        )
    with np.errstate(invalid="ignore"):
        scaled: Array = b * (totals / ours)
    return scaled


def _compiled() -> bool:
    return choose("distances", "cpu", "float64").implementation == "native"


def _refuse_failed(failed: int, batch: tuple[int, ...]) -> None:
    if failed >= 0:
        where = tuple(int(i) for i in np.unravel_index(failed, batch)) if batch else ()
        raise RuntimeError(
            f"optimal transport did not converge for pair {where}; standardise its columns, or "
            "report the pair"
        )
