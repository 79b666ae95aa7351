"""Laws of the perturbations: what happens to the production of which genes.

`activa_sim.queries` has more laws of the targets: each gene in a query of its own, and random
subsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from activa_sim.errors import InputError
from activa_sim.queries import TargetLaw
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Perturbation:
    """The production of a query's targets is multiplied by a factor.

    Parameters
    ----------
    factors : tuple of float
        Each query takes one of them. 0 knocks out: the gene is exactly 0. Below 1 knocks down,
        above 1 over-expresses.
    """

    fewest_rows: ClassVar[int] = 1

    factors: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        """Refuse factors that no production has."""
        if not self.factors or not all(0.0 <= factor < np.inf for factor in self.factors):
            raise InputError(f"factors is {self.factors}; give one or more finite numbers from 0")

    def draw(self, streams: Streams, queries: int) -> FloatArray:
        """Draw the factor of each query, shape (M, Q)."""
        if len(self.factors) == 1:
            return np.full((*streams.shape, queries), self.factors[0], dtype=np.float64)
        uniform = streams.at(Site.PERTURBATION, range(queries)).uniform(1)[..., 0]
        return np.array(self.factors)[(uniform * len(self.factors)).astype(np.intp)]


@dataclass(frozen=True)
class SomeVariables(TargetLaw):
    """Some of the variables, random ones, each in a query of its own, in the order of columns.

    Parameters
    ----------
    number : int
        How many, Q.
    """

    number: int

    def queries(self, d: int) -> int:
        """Give the number of queries."""
        if not 1 <= self.number <= d:
            raise InputError(f"number is {self.number}; give 1 to {d}, as there are {d} variables")
        return self.number

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Draw the targets of each query, shape (M, Q, d)."""
        order = streams.at(Site.TARGETS).words(d).argsort(axis=1, kind="stable")
        chosen = np.sort(order[:, : self.number], axis=1)  # (M, Q)
        return np.asarray(chosen[..., None] == np.arange(d))


@dataclass(frozen=True)
class GivenTargets(TargetLaw):
    """The same targets in every model.

    Parameters
    ----------
    columns : tuple of tuple of int
        The columns that each query perturbs.

    Examples
    --------
    >>> GivenTargets(((0,), (2, 3))).queries(4)
    2
    """

    columns: tuple[tuple[int, ...], ...]

    def queries(self, d: int) -> int:
        """Give the number of queries."""
        if not self.columns or not all(self.columns):
            raise InputError("a query without a target was given; name at least one column each")
        for column in {column for query in self.columns for column in query}:
            if not 0 <= column < d:
                raise InputError(f"there is no column {column}; choose from 0 to {d - 1}")
        return len(self.columns)

    def draw(self, streams: Streams, d: int) -> BoolArray:
        """Give the targets of each query, shape (M, Q, d)."""
        targets = np.zeros((len(self.columns), d), dtype=np.bool_)
        for query, columns in enumerate(self.columns):
            targets[query, list(columns)] = True
        return np.broadcast_to(targets, (*streams.shape, *targets.shape))
