"""Laws of the perturbations: which genes' production is stopped, lowered or raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import InputError
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams


@dataclass(frozen=True)
class Perturbation:
    """The production of some genes is multiplied by a factor, in each query other genes.

    Parameters
    ----------
    factor : float
        0 knocks a gene out, so that it is exactly 0; below 1 knocks it down; above 1
        over-expresses it.
    genes : int
        How many genes at once. With all d queries, query q perturbs gene q and random others.
    queries : int, optional
        So many queries of distinct random genes in rising order instead of one for each gene.
    targets : tuple of tuple of int, optional
        The columns that each query perturbs, instead of `genes` and `queries`.

    Examples
    --------
    >>> Perturbation(factor=2.0, targets=((0,), (2, 3)))  # over-expression
    Perturbation(factor=2.0, genes=1, queries=None, targets=((0,), (2, 3)))
    """

    factor: float = 0.0
    genes: int = 1
    queries: int | None = None
    targets: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        """Refuse factors and counts that no perturbation has."""
        if not 0.0 <= self.factor < np.inf:
            raise InputError(f"factor is {self.factor}; give a finite number of 0 or more")
        if self.genes < 1 or (self.queries is not None and self.queries < 1):
            raise InputError(
                f"{self.queries} queries of {self.genes} genes were asked for; give at least 1"
            )
        if self.targets is not None and not (self.targets and all(self.targets)):
            raise InputError("a query without a target was given; name at least one column each")

    def check(self, d: int) -> None:
        """Refuse targets that d genes do not have."""
        if max(self.genes, self.queries or 1) > d:
            raise InputError(
                f"{self.queries or d} queries of {self.genes} genes were asked for, "
                f"and there are {d} genes"
            )
        for column in {column for query in self.targets or () for column in query}:
            if not 0 <= column < d:
                raise InputError(f"there is no column {column}; choose from 0 to {d - 1}")

    def draw(self, streams: Streams, d: int) -> NDArray[np.bool_]:
        """Draw the perturbed genes, shape (M, Q, d)."""
        if self.targets is not None:
            fixed = np.zeros((len(self.targets), d), dtype=np.bool_)
            for query, columns in enumerate(self.targets):
                fixed[query, list(columns)] = True
            return np.broadcast_to(fixed, (*streams.shape, *fixed.shape)).copy()
        first = streams.at(Site.PERTURBATION).words(d)  # (M, d)
        chosen = np.sort(np.argsort(first, axis=1, kind="stable")[:, : self.queries], axis=1)
        # a gene's own number is below all others', so that it is among the smallest
        others = streams.branch(1).at(Site.PERTURBATION, range(d)).words(d).astype(np.int64)
        others[:, np.arange(d), np.arange(d)] = -1
        order = np.argsort(others, axis=2, kind="stable")[:, :, : self.genes]  # (M, d, genes)
        targets = np.zeros((*streams.shape, d, d), dtype=np.bool_)
        np.put_along_axis(targets, order, values=True, axis=2)
        return np.take_along_axis(targets, chosen[:, :, None], axis=1)
