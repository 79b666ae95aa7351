"""Laws of the queries: which variables are intervened on, and how."""

from typing import TYPE_CHECKING

from activa_sim.later import later
from activa_sim.queries.law import KINDS, QueryLaw
from activa_sim.queries.targets import EachVariable, Subsets, TargetLaw
from activa_sim.queries.values import FixedValue, ValueRange, WithinSpread

if TYPE_CHECKING:
    from activa_sim.queries.mixed import MixedQuery
    from activa_sim.queries.random import RandomValue, Shift

__all__ = [
    "KINDS",
    "EachVariable",
    "FixedValue",
    "MixedQuery",
    "QueryLaw",
    "RandomValue",
    "Shift",
    "Subsets",
    "TargetLaw",
    "ValueRange",
    "WithinSpread",
]

__getattr__ = later(
    __name__,
    {
        "MixedQuery": "mixed",
        "RandomValue": "random",
        "Shift": "random",
    },
)
