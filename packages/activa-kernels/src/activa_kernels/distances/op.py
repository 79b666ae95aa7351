"""The public door of the distances: checks once, then dispatches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from activa_kernels.backend import choose, native, threads
from activa_kernels.distances import reference
from activa_kernels.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def transport_cost(
    cost: ArrayLike, a: ArrayLike | None = None, b: ArrayLike | None = None
) -> NDArray[np.float64]:
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
        If the search does not end, or nothing that could solve the problem is installed.

    Examples
    --------
    >>> float(transport_cost([[0.0, 3.0], [1.0, 1.0]]))  # half a unit stays, half costs 1
    0.5
    """
    costs = np.asarray(cost, dtype=np.float64)
    if costs.ndim < 2 or 0 in costs.shape[-2:]:
        raise InputError(f"cost has shape {costs.shape}; give (..., n, m) with n, m >= 1")
    n, m = costs.shape[-2:]
    left = np.full(n, 1 / n) if a is None else np.asarray(a, dtype=np.float64)
    right = np.full(m, 1 / m) if b is None else np.asarray(b, dtype=np.float64)
    for name, weights, size in (("a", left, n), ("b", right, m)):
        if weights.ndim < 1 or weights.shape[-1] != size:
            raise InputError(f"{name} has shape {weights.shape}; cost asks for (..., {size})")
        if (weights < 0).any():
            raise InputError(f"{name} has a negative mass of {weights.min()}; give masses >= 0")
    right = _with_total_of(left, right)
    try:
        batch = np.broadcast_shapes(costs.shape[:-2], left.shape[:-1], right.shape[:-1])
    except ValueError:
        raise InputError(
            f"cost {costs.shape}, a {left.shape} and b {right.shape} do not broadcast"
        ) from None
    costs, left, right = (
        np.ascontiguousarray(np.broadcast_to(array, batch + own)).reshape(-1, *own)
        for array, own in ((costs, (n, m)), (left, (n,)), (right, (m,)))
    )
    if choose("distances", "cpu", "float64").implementation == "native":
        out: NDArray[np.float64] = native().transport_cost(costs, left, right, threads())
    else:
        out = reference.transport_cost(costs, left, right)
    return out.reshape(batch)


def _with_total_of(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale `b` by the rounding in which its totals differ from those of `a`."""
    totals, ours = a.sum(axis=-1, keepdims=True), b.sum(axis=-1, keepdims=True)
    try:
        totals, ours = np.broadcast_arrays(totals, ours)
    except ValueError:
        raise InputError(f"a {a.shape} and b {b.shape} do not broadcast") from None
    known = np.isfinite(totals) & np.isfinite(ours)
    if (known & (totals <= 0)).any():
        raise InputError("a holds no mass; give at least one positive entry")
    if (np.abs(totals - ours) > 1e-9 * totals)[known].any():
        raise InputError(
            f"a and b hold different masses, such as {totals[known][0]} and {ours[known][0]}; "
            "divide each by its sum"
        )
    scaled: NDArray[np.float64] = b * (totals / ours)
    return scaled
