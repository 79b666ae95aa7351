"""The baseline that reads the causal order off the shape of the noises: DirectLiNGAM."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import FloatArray, IntArray
from activa_eval.baselines import query_of
from activa_eval.gaussian import centre
from activa_eval.structural import LinearModel

# Hyvarinen's approximation of the entropy of a variable of unit variance (1998)
_GAUSSIAN_ENTROPY = (1.0 + math.log(2.0 * math.pi)) / 2.0
_K1, _K2, _GAMMA = 79.047, 7.4129, 0.37457

FLAT = 1e-9  # relative; less spread than this is rounding


def lingam(
    obs: npt.ArrayLike,
    targets: npt.ArrayLike,
    values: npt.ArrayLike,
    seed: int,  # noqa: ARG001 - the protocol's
) -> LinearModel:
    """Predict from a linear model in the order of DirectLiNGAM.

    Right where noises are independent and not Gaussian (Shimizu et al., 2011; likelihood ratios of
    pairs by Hyvarinen & Smith, 2013); of Gaussian noises it guesses the order. Coefficients,
    pruning and draws as `eqvar`, parameters and errors as `no_change`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> cause = rng.uniform(-1.0, 1.0, 500)
    >>> obs = np.stack([0.1 * cause + 0.05 * rng.uniform(-1.0, 1.0, 500), cause], axis=1)
    >>> bool(lingam(obs, [False, True], [np.nan, 5.0], 0).sample(500, seed=0)[:, 0].mean() > 0.4)
    True
    >>> bool(abs(lingam(obs, [True, False], [5.0, np.nan], 0).sample(500, seed=0)[:, 1].mean()) < 1)
    True
    """
    rows, target, value = query_of(obs, targets, values)
    return LinearModel.fit(rows, lingam_order(rows), target, value)


def lingam_order(rows: FloatArray) -> IntArray:
    """Order the d variables of (N, d) rows: next comes the one least dependent on its residuals.

    Constant columns and those that are linear in what came before are put last.
    """
    left = _standardised(rows, np.abs(rows).max(axis=0))
    waiting = np.ones(left.shape[1], dtype=bool)
    order: list[int] = []
    while waiting.any():
        alive = np.flatnonzero(waiting & left.any(axis=0))
        if not len(alive):
            return np.array([*order, *np.flatnonzero(waiting)], dtype=np.intp)
        chosen = int(alive[np.argmin(_dependence(left[:, alive]))])
        order.append(chosen)
        waiting[chosen] = False
        root = left[:, chosen]
        left = _standardised(left - np.outer(root, root @ left / len(root)))
    return np.array(order, dtype=np.intp)


def _dependence(columns: FloatArray) -> FloatArray:
    """How much speaks against each of k standardised columns (N, k) as the first cause, (k,).

    The sum over the others of the squared log-likelihood ratio, where it prefers the other.
    """
    n, k = columns.shape
    correlation = columns.T @ columns / n
    # residuals[:, i, j] is what column j leaves of column i
    residuals = columns[:, :, None] - correlation * columns[:, None, :]
    left = _entropy(_standardised(residuals.reshape(n, k * k))).reshape(k, k)
    own = _entropy(columns)
    other_first = own + left  # (i, j): entropy of column j and of what it leaves of column i
    ratio = other_first - other_first.T  # positive where i before j says more
    return np.asarray((ratio.clip(max=0.0) ** 2).sum(axis=1))


def _entropy(columns: FloatArray) -> FloatArray:
    """Entropy of each column of unit variance, (N, k) -> (k,)."""
    size = np.abs(columns)
    log_cosh = size + np.log1p(np.exp(-2.0 * size)) - math.log(2.0)
    first = log_cosh.mean(axis=0) - _GAMMA
    second = (columns * np.exp(-(columns**2) / 2.0)).mean(axis=0)
    return np.asarray(_GAUSSIAN_ENTROPY - _K1 * first**2 - _K2 * second**2)


def _standardised(rows: FloatArray, size: FloatArray | float = 1.0) -> FloatArray:
    """Columns of mean 0 and variance 1 (ddof = 0); zeros where the spread is rounding of `size`."""
    _, centred = centre(rows)
    spread = np.sqrt(np.einsum("ni,ni->i", centred, centred) / len(rows))
    flat = spread <= FLAT * size
    return np.where(flat, 0.0, centred / np.where(flat, 1.0, spread))
