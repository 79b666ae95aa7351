"""An event about one column, as a user writes it: "Y > 3"."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from activa_core.errors import InputError

__all__ = ["Event", "read_event"]

Relation = Literal["<", "<=", ">", ">="]
RELATIONS: Mapping[Relation, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Event:
    """A column on one side of a bound."""

    column: str
    relation: Relation
    bound: float

    @property
    def above(self) -> bool:
        """Whether large values make it happen."""
        return self.relation in (">", ">=")

    def holds(self, value: float) -> bool:
        """Whether it happens at this value."""
        return RELATIONS[self.relation](value, self.bound)


def read_event(text: str) -> Event:
    """Read one comparison of a column with a number.

    Raises
    ------
    InputError
        If it is anything else.

    Examples
    --------
    >>> read_event("blood pressure >= 140")
    Event(column='blood pressure', relation='>=', bound=140.0)
    """
    parts = re.fullmatch(r"\s*([^<>=]+?)\s*(<=|>=|<|>)\s*([^\s<>=]+)\s*", text)
    try:
        bound = float(parts[3]) if parts else math.nan
    except ValueError:
        bound = math.nan
    if parts is None or math.isnan(bound):
        raise InputError(f'cannot read the event "{text}"; write one comparison, such as "Y > 3"')
    return Event(parts[1], cast("Relation", parts[2]), bound)
