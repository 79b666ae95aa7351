"""Laws as plain values for JSON, each with its name, and back."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from activa_sim import graphs, latents, levels, mechanisms, noises, queries
from activa_sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LAW = "law"  # key of a law's name
MODULES = (graphs, mechanisms, noises, queries)
PUBLIC = [getattr(module, name) for module in MODULES for name in module.__all__]
LAWS: Mapping[str, type] = {
    law.__name__: law
    for law in (*PUBLIC, latents.Confounders, levels.Levels)
    if is_dataclass(law) and isinstance(law, type)
}


def check_part(name: str, value: object, known: Iterable[type]) -> None:
    """Raise unless a part is one of these laws, or a law of the user's own."""
    of_part = {law.__name__: law for law in known if law in LAWS.values()}
    another = type(value) in LAWS.values() and type(value) not in of_part.values()
    if another or not is_dataclass(value) or isinstance(value, type):
        raise InputError(f"unknown {name} {value!r}; choose one of {', '.join(sorted(of_part))}")


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
    if name not in LAWS:
        raise InputError(f'unknown law "{name}"; choose one of {", ".join(sorted(LAWS))}')
    law = LAWS[name]
    try:
        return law(**parts)
    except TypeError as error:
        known = [f.name for f in fields(law)]
        raise InputError(
            f"{name} has no such fields ({error}); give {', '.join(known) or 'none'}"
        ) from error
