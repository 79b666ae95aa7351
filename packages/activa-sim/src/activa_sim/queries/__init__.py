"""Laws of the queries: which variables are intervened on, and how."""

from activa_sim.queries.law import KINDS, QueryLaw
from activa_sim.queries.mixed import MixedQuery
from activa_sim.queries.random import RandomValue, Shift
from activa_sim.queries.targets import EachVariable, Subsets, TargetLaw
from activa_sim.queries.values import FixedValue, ValueRange, WithinSpread

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
