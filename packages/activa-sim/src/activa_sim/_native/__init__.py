"""The compiled extension, if this installation has one.

`library` is the module `_core`, or None; `reason` says why in a few words.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

library: ModuleType | None
try:
    library, reason = import_module("activa_sim._native._core"), "compiled code is installed"
except ModuleNotFoundError:
    library, reason = None, "nothing was compiled when activa-sim was installed"
except ImportError as error:
    library, reason = None, f"the compiled code cannot be loaded ({error})"

__all__ = ["library", "reason"]
