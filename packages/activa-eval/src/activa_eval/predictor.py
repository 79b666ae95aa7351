"""What a predictor, a prediction and a batch of causal models have to offer to be scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy.typing as npt


class Prediction(Protocol):
    """A predicted interventional distribution over all d columns.

    Where it has one, it also offers `log_prob(rows) -> (n,)`, the log density of the columns that
    the query leaves free, and `cdf(rows) -> (n, d)`, the marginal distribution function of each
    column. Rows are (n, d) with all columns, in the units of the data.
    """

    def sample(self, n: int, seed: int) -> npt.ArrayLike:
        """Draw (n, d) rows."""
        ...


# (obs (N, d), targets (d,) bool, values (d,) with NaN off target, seed) -> Prediction
Predictor: TypeAlias = Callable[[Any, Any, Any, int], Prediction]


@runtime_checkable
class BatchPredictor(Protocol):
    """A predictor that is told more than the observations: it may read the whole batch."""

    def predict_from(self, batch: Any, model: int, query: int, seed: int) -> Prediction:
        """Predict one query of one model of the batch."""
        ...


class CausalBatch(Protocol):
    """M models with their observations and what each of Q queries does to them.

    Optional, and read where present: `graphs` (M, d, d) bool, `interv_replicate` (M, Q, N, d),
    `labels`, a mapping of names to (M,) arrays, and `kind` (M, Q).
    """

    @property
    def obs(self) -> Any:
        """(M, N, d) observational rows."""
        ...

    @property
    def interv(self) -> Any:
        """(M, Q, N, d) rows under each query: the truth."""
        ...

    @property
    def targets(self) -> Any:
        """(M, Q, d) bool: which columns a query sets."""
        ...

    @property
    def values(self) -> Any:
        """(M, Q, d) the value set, NaN where not a target."""
        ...
