"""The rows that stand beside every result: what prediction costs without learning anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import BoolArray, FloatArray, IntArray, to_float
from activa_eval.errors import InputError
from activa_eval.gaussian import Gaussian
from activa_eval.mixture import Mixture
from activa_eval.predictor import Prediction


class Oracle:
    """A second independent sample of the truth: the floor of every score.

    It reads `interv_replicate` of the batch that is scored: call `score(oracle, batch)`.
    """

    def predict_from(
        self,
        batch: Any,
        model: int,
        query: int,
        seed: int,  # noqa: ARG002 - the protocol's
    ) -> Prediction:
        """Return the replicate of one query's true sample."""
        replicate = getattr(batch, "interv_replicate", None)
        if replicate is None:
            raise InputError(
                "the oracle needs batch.interv_replicate; sample the batch with replicate=True"
            )
        return Rows(to_float(replicate[model, query], "interv_replicate"))


oracle = Oracle()


def no_change(
    obs: npt.ArrayLike,
    targets: npt.ArrayLike,
    values: npt.ArrayLike,
    seed: int,  # noqa: ARG001 - the protocol's
) -> NoChange:
    """Predict that nothing moves but the target: the rows of D with the target column set.

    Its density is the Gaussian fitted to the other columns of D.

    Parameters
    ----------
    obs : array_like or torch.Tensor, shape (N, d)
        Observational rows, at least two.
    targets : array_like of bool, shape (d,)
        The columns that the query sets.
    values : array_like, shape (d,)
        The value set, in the units of the data; ignored off target.
    seed : int
        Not used: nothing here is drawn before `sample`.

    Raises
    ------
    InputError
        If rows are missing or not finite, or if the query does not fit them.

    Examples
    --------
    >>> import numpy as np
    >>> prediction = no_change([[1.0, 2.0], [3.0, 4.0]], [True, False], [9.0, np.nan], 0)
    >>> np.sort(prediction.sample(2, seed=0), axis=0)
    array([[9., 2.],
           [9., 4.]])
    """
    rows, target, value = query_of(obs, targets, values)
    return NoChange(target, value, Gaussian.fit(rows).marginal(~target), rows)


def conditional_gaussian(
    obs: npt.ArrayLike,
    targets: npt.ArrayLike,
    values: npt.ArrayLike,
    seed: int,  # noqa: ARG001 - the protocol's
) -> GaussianPrediction:
    """Predict p(V | V_t = v) of a Gaussian fitted to D: the paper's baseline, blind to direction.

    Parameters and errors as `no_change`.

    Examples
    --------
    >>> import numpy as np
    >>> line = [[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]
    >>> conditional_gaussian(line, [True, False], [5.0, np.nan], 0).sample(1, seed=0).round(3)
    array([[ 5., 10.]])
    """
    rows, target, value = query_of(obs, targets, values)
    return GaussianPrediction(target, value, Gaussian.fit(rows).condition(target, value[target]))


def hedge(obs: npt.ArrayLike, targets: npt.ArrayLike, values: npt.ArrayLike, seed: int) -> Mixture:
    """Predict the equal mixture of `no_change` and `conditional_gaussian`.

    Needs no learning, and beats committing to a direction. Parameters and errors as `no_change`.
    """
    query = obs, targets, values, seed
    return Mixture.equal([no_change(*query), conditional_gaussian(*query)])


@dataclass(frozen=True)
class Rows:
    """A prediction that is a set of rows."""

    rows: FloatArray  # (N, d)

    def sample(self, n: int, seed: int) -> FloatArray:
        """Return (n, d) rows in random order; for n = N each row once."""
        return self.rows[draw_evenly(len(self.rows), n, np.random.default_rng(seed))]


@dataclass(frozen=True)
class GaussianPrediction:
    """A point mass on the columns that a query sets, a Gaussian over the others."""

    targets: BoolArray  # (d,)
    values: FloatArray  # (d,)
    free: Gaussian

    def sample(self, n: int, seed: int) -> FloatArray:
        """Draw (n, d) rows."""
        rows = np.tile(self.values, (n, 1))
        rows[:, ~self.targets] = self.free.sample(n, np.random.default_rng(seed))
        return rows

    def log_prob(self, rows: npt.ArrayLike) -> FloatArray:
        """Log density of the free columns of (n, d) rows."""
        return self.free.log_prob(to_float(rows, "rows")[:, ~self.targets])

    def cdf(self, rows: npt.ArrayLike) -> FloatArray:
        """Marginal distribution function at (n, d) rows; a step at the value of a target."""
        at = to_float(rows, "rows")
        result = (at >= self.values).astype(np.float64)
        result[:, ~self.targets] = self.free.cdf(at[:, ~self.targets])
        return result


@dataclass(frozen=True)
class NoChange(GaussianPrediction):
    """The observed rows themselves with the target set; their Gaussian fit is the density."""

    rows: FloatArray  # (N, d)

    def sample(self, n: int, seed: int) -> FloatArray:
        """Return (n, d) rows in random order; for n = N each row of D once."""
        return np.where(self.targets, self.values, Rows(self.rows).sample(n, seed))


def draw_evenly(choices: int, n: int, rng: np.random.Generator) -> IntArray:
    """Draw n of the numbers below `choices`, each equally often up to one, in random order.

    A bootstrap would add its own noise to that of the sample, and a reference row should be as good
    as its idea.
    """
    whole, rest = divmod(n, choices)
    drawn = [np.tile(np.arange(choices), whole), rng.choice(choices, rest, replace=False)]
    return rng.permutation(np.concatenate(drawn))


def query_of(
    obs: npt.ArrayLike, targets: npt.ArrayLike, values: npt.ArrayLike
) -> tuple[FloatArray, BoolArray, FloatArray]:
    """Check one question to a predictor: (N, d) rows, (d,) targets, (d,) values."""
    rows, target, value = to_float(obs, "obs"), np.asarray(targets), to_float(values, "values")
    if rows.ndim != 2 or len(rows) < 2:
        raise InputError(f"obs has shape {rows.shape}; give at least 2 rows of d columns")
    if target.dtype != bool or target.shape != rows.shape[1:] or value.shape != rows.shape[1:]:
        raise InputError(
            f"targets {target.shape} ({target.dtype}) and values {value.shape} do not fit obs "
            f"{rows.shape}; give one boolean and one number for each column"
        )
    if not np.isfinite(rows).all():
        raise InputError("obs has missing or infinite entries; drop those rows")
    if not target.any() or not np.isfinite(value[target]).all():
        raise InputError("the query sets nothing; mark a target and give it a finite value")
    return rows, target, np.where(target, value, np.nan)
