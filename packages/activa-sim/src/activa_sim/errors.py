"""The one error that a user of this package is meant to see, and checks that raise it."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, SupportsIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence, Sized


class InputError(ValueError):
    """Something given from outside cannot be used; the message says what to do instead."""


def whole_number(name: str, value: SupportsIndex) -> int:
    """Give a number as an int; raise unless it is whole."""
    try:
        return index(value)
    except TypeError as error:
        raise InputError(f"{name} is {value!r}; give a whole number") from error


def check_probability(name: str, value: float) -> None:
    """Raise unless a field holds a probability."""
    if not 0.0 <= value <= 1.0:
        raise InputError(f"{name} is {value}; give a probability from 0 to 1")


def check_interval(low: float, high: float, *, least: float) -> None:
    """Raise unless the fields `low` and `high` bound an interval that starts at least there."""
    if not least <= low <= high < float("inf"):
        raise InputError(f"low is {low} and high is {high}; give {least} <= low <= high")


def check_names(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise unless there are names and all are known."""
    names, known = tuple(names), tuple(known)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        found = f'unknown {what} "{unknown[0]}"' if unknown else f"no {what} was given"
        raise InputError(f"{found}; choose from {', '.join(known)}")


def check_shares(laws: Sized, shares: Sequence[float]) -> None:
    """Raise unless there are laws and, if any, as many shares that can be probabilities."""
    if not laws:
        raise InputError("no law was given; give at least one")
    fit = len(shares) == len(laws) and min(shares) >= 0.0 and 0.0 < sum(shares) < float("inf")
    if shares and not fit:
        raise InputError(f"shares are {shares}; give {len(laws)} numbers of 0 or more, not all 0")
