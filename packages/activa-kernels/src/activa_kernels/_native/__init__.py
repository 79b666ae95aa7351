"""The compiled extension, if this installation has one.

`library` is the module `_cpu`, or None; then `reason` says why in a few words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

library: ModuleType | None
try:
    from activa_kernels._native import _cpu
except ImportError as error:
    library, reason = None, f"the compiled extension is missing ({error})"
else:
    library, reason = _cpu, "the compiled extension is installed"

__all__ = ["library", "reason"]
