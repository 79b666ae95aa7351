"""Laws as plain values for JSON, each with its name, and back."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from activa_sim import graphs, latents, levels, mechanisms, noises, queries
from activa_sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

LAW = "law"  # key of a law's name


@cache
def laws() -> Mapping[str, type]:
    """All laws of structural models by name; to import them takes time."""
    modules = (graphs, mechanisms, noises, queries)
    public = [getattr(module, name) for module in modules for name in module.__all__]
    return {
        law.__name__: law
        for law in (*public, latents.Confounders, levels.Levels)
        if is_dataclass(law) and isinstance(law, type)
    }


def check_part(name: str, value: object, base: type) -> None:
    """Raise unless a part is a law of this kind, of this package or the user's own."""
    drawn_up = is_dataclass(value) and not isinstance(value, type)
    if not (drawn_up and isinstance(value, base) and _of_kind(type(value), base)):
        known = [n for n, law in laws().items() if issubclass(law, base) and _of_kind(law, base)]
        raise InputError(f"unknown {name} {value!r}; choose one of {', '.join(sorted(known))}")


def describe(value: Any) -> Any:
    """Give a law as a dict with its name and fields; sequences as lists, the rest as it is."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: describe(getattr(value, f.name)) for f in fields(value)}
        return {LAW: type(value).__name__, **parts}
    if isinstance(value, tuple | list):
        return [describe(item) for item in value]
    return value


def restore(description: Any) -> Any:
    """Give what `describe` described; lists, which only laws hold, as tuples.

    Raises
    ------
    InputError
        If a law is unknown here, or has other fields.
    """
    if isinstance(description, list):
        return tuple(restore(item) for item in description)
    if not isinstance(description, dict):
        return description
    parts = {name: restore(part) for name, part in description.items() if name != LAW}
    name = str(description.get(LAW))
    if name not in laws():
        raise InputError(f'unknown law "{name}"; choose one of {", ".join(sorted(laws()))}')
    law = laws()[name]
    try:
        return law(**parts)
    except TypeError as error:
        known = [f.name for f in fields(law)]
        raise InputError(
            f"{name} has no such fields ({error}); give {', '.join(known) or 'none'}"
        ) from error


def _of_kind(law: type, base: type) -> bool:
    """Whether a law of ours stands in the same package as its base; laws of others may."""
    package = base.__module__.rpartition(".")[0]
    return law.__module__.startswith(f"{package}.") or not law.__module__.startswith("activa_sim.")
