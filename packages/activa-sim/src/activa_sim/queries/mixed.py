"""Queries of several laws in one data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import InputError, check_shares
from activa_sim.queries.law import QueryLaw
from activa_sim.rng import Site, choose_among

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class MixedQuery(QueryLaw):
    """Every query follows one of several laws, for all of its targets.

    Parameters
    ----------
    mixture : tuple of QueryLaw
        What there is to choose from.
    shares : tuple of float, optional
        Their probabilities up to a factor; equal if none are given.
    """

    mixture: tuple[QueryLaw, ...]
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse shares that do not belong to the laws."""
        object.__setattr__(self, "mixture", tuple(self.mixture))
        object.__setattr__(self, "shares", tuple(self.shares))
        check_shares(self.mixture, self.shares)
        if any(isinstance(law, MixedQuery) for law in self.mixture):
            raise InputError("a mixed query holds another; give the laws of both in one")

    @property
    def laws(self) -> tuple[QueryLaw, ...]:
        """What a query can follow."""
        return self.mixture

    @property
    def fewest_rows(self) -> int:  # type: ignore[override] # here it depends on the laws
        """Rows that the neediest law needs."""
        return max(law.fewest_rows for law in self.mixture)

    def choose(self, streams: Streams, queries: int) -> NDArray[np.intp]:
        """Choose the law that each query follows, by its place in `laws`, shape (M, Q)."""
        uniform = streams.at(Site.QUERY_LAW, range(queries)).uniform(1)[..., 0]
        return choose_among(uniform, self.shares or (1.0,) * len(self.mixture))

    def values(self, _streams: Streams, _observed: FloatArray) -> FloatArray:
        """Fail: each of the `laws` draws values of its own."""
        raise AssertionError("a mixed query was asked itself, not the laws that it is made of")

    def rows(self, _streams: Streams, _values: FloatArray, _natural: FloatArray) -> FloatArray:
        """Fail: each of the `laws` draws rows of its own."""
        raise AssertionError("a mixed query was asked itself, not the laws that it is made of")
