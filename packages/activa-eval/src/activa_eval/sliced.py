"""The sliced Wasserstein distance: optimal transport on random lines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import CELLS, FloatArray, Rows, paired, stays_in_torch, whole
from activa_eval.line import line_distance
from activa_eval.transport import check_order


def sliced_wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    p: float = 1.0,
    n_projections: int = 256,
    seed: int = 0,
) -> FloatArray:
    """Root mean W_p^p of the samples projected on random directions, the same for all pairs.

    Takes n log n time and no n x m memory: what to use where `wasserstein` takes too long.

    Parameters
    ----------
    x, y : array_like or torch.Tensor, shapes (..., n, d) and (..., m, d)
        Samples in the same units, batched over the leading axes. Gradients flow to tensors that
        require them.
    a, b : array_like, shapes (..., n) and (..., m), optional
        Weights with sum one; equal if left out.
    p : float
        Order, at least 1.
    n_projections, seed : int
        Number of directions, uniform on the sphere, and what draws them.

    Returns
    -------
    ndarray of float64, shape (...,)
        In the units of the data; zero for equal samples. A tensor if an input is one.

    Raises
    ------
    InputError
        As `wasserstein`, or if there is no direction to draw.

    Examples
    --------
    >>> float(sliced_wasserstein([[0.0]], [[3.0]], n_projections=7))
    3.0
    """
    check_order(p)
    n_projections, seed = whole(n_projections, "n_projections", 1), whole(seed, "seed", 0)
    if stays_in_torch(x, y, a, b):
        from activa_eval import gradients

        traced = gradients.paired(x, y, a, b)
        lines = directions(traced.x.shape[-1], n_projections, seed)
        result: FloatArray = gradients.sliced_wasserstein(traced, lines, p)
        return result
    pairs, unit = paired(x, y, a, b).scaled()
    rows = pairs.x.shape[1] + pairs.y.shape[1]
    lines = directions(pairs.x.shape[-1], n_projections, seed)
    at_once = max(1, CELLS // rows)

    def measure(x: Rows, y: Rows, a: FloatArray, b: FloatArray) -> FloatArray:
        origin = x[:, :1].astype(np.float64)  # projections far from it would lose digits
        left, right, parts = x - origin, y - origin, []
        for start in range(0, n_projections, at_once):
            some = lines[start : start + at_once]
            shape = (len(x), len(some))
            weights = [np.broadcast_to(w[:, None], (*shape, w.shape[1])) for w in (a, b)]
            on_lines = _project(left, some), _project(right, some)
            parts.append(line_distance(*on_lines, weights[0], weights[1], p))
        return root_mean(np.concatenate(parts, axis=1), p)

    found = pairs.map(measure, cells=rows * min(at_once, n_projections))
    return pairs.unflatten(found * unit)


def directions(d: int, n_projections: int, seed: int) -> FloatArray:
    """Draw unit vectors (n_projections, d)."""
    drawn = np.random.default_rng(seed).standard_normal((n_projections, d))
    unit: FloatArray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def root_mean(distances: FloatArray, p: float) -> FloatArray:
    """(mean r^p)^(1/p) over the last axis, relative to the largest, whose power cannot vanish."""
    top = distances.max(axis=-1)
    powers = (distances / np.where(top > 0.0, top, 1.0)[..., None]) ** p
    return np.asarray(top * powers.mean(axis=-1) ** (1.0 / p))


def _project(rows: Rows, lines: FloatArray) -> FloatArray:
    """Coordinates (P, K, n) of rows (P, n, d) along K lines, summed without BLAS: the same bits."""
    total = np.zeros((len(rows), len(lines), rows.shape[1]))
    for column in range(rows.shape[2]):
        total += lines[:, column, None] * rows[:, None, :, column]
    return total
