"""Names of a package that are imported when they are first asked for, as imports take time."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def later(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Give the package's `__getattr__`, from the modules that names are at home in."""

    def find(name: str) -> Any:
        if name in homes:
            return getattr(import_module(f"{package}.{homes[name]}"), name)
        raise AttributeError(f'module "{package}" has no attribute "{name}"')

    return find
