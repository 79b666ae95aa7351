"""The baseline that keeps every graph which the independences allow: IDA."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import BoolArray, FloatArray, IntArray
from activa_eval.baselines import NoChange, query_of
from activa_eval.cpdag import cpdag, parent_sets
from activa_eval.errors import InputError
from activa_eval.gaussian import Gaussian
from activa_eval.mixture import Mixture


def ida(
    obs: npt.ArrayLike,
    targets: npt.ArrayLike,
    values: npt.ArrayLike,
    seed: int,  # noqa: ARG001 - the protocol's
) -> Mixture:
    """Predict the equal mixture over the target's parent sets in the class that PC finds.

    Each set of parents makes one hypothesis: every observed row moves along with its target, by
    the regression of the other columns on the target and those parents, which themselves stay. In
    a linear model with those parents this is the row under the query, so the rows keep their
    joint law. Right, as a mixture, for linear Gaussian models of any noise variances (Maathuis,
    Kalisch & Buhlmann, 2009). Its density is the Gaussian fitted to the moved rows.

    Parameters and errors as `no_change`; moreover an InputError if the query sets several columns.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> cause = rng.standard_normal(500)
    >>> obs = np.stack([cause, 2 * cause + rng.standard_normal(500)], axis=1)
    >>> prediction = ida(obs, [True, False], [5.0, np.nan], 0)
    >>> [round(float(part.free.mean[0])) for part in prediction.parts]  # a cause, or an effect
    [10, 0]
    """
    rows, target, value = query_of(obs, targets, values)
    if target.sum() > 1:
        raise InputError("ida answers queries that set one column; ask one column at a time")
    place = int(np.flatnonzero(target)[0])
    graph = cpdag(Gaussian.fit(rows).covariance, len(rows))
    return Mixture.equal([_adjust(rows, s, target, value) for s in parent_sets(graph, place)])


def _adjust(rows: FloatArray, parents: IntArray, target: BoolArray, value: FloatArray) -> NoChange:
    """Move every row (N, d) along with its target, given the target's parents."""
    place = int(np.flatnonzero(target)[0])
    mean = rows.mean(axis=0)
    regressors = (rows - mean)[:, [place, *parents]]
    slopes = (np.linalg.pinv(regressors) @ (rows - mean))[0]  # of the target
    slopes[parents] = 0.0
    moved = rows + np.outer(value[place] - rows[:, place], slopes)
    return NoChange(target, value, Gaussian.fit(moved).marginal(~target), moved)
