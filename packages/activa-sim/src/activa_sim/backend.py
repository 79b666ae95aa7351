"""Which implementation draws, and why.

The environment decides where it says something: `ACTIVA_BACKEND` (reference for NumPy, or native),
`ACTIVA_ISA` (base, avx2 or avx512: the widest instructions to use) and `ACTIVA_NUM_THREADS`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from activa_sim import _native
from activa_sim.errors import InputError

if TYPE_CHECKING:
    from types import ModuleType

# what other packages of ours know beside; here there is no more to choose from
BACKENDS = ("reference", "native", "triton", "cuda")
INSTRUCTION_SETS = ("base", "avx2", "avx512", "avx512bf16")


@dataclass(frozen=True)
class Backend:
    """What `backend()` found; `print` it."""

    implementation: str  # "native" or "reference"
    reason: str
    instruction_set: str | None  # None where nothing is compiled
    threads: int

    def __str__(self) -> str:
        return "\n".join(
            (
                f"{self.implementation} ({self.reason})",
                f"instruction set: {self.instruction_set or 'none, nothing is compiled'}",
                f"threads: {self.threads}",
            )
        )


def backend() -> Backend:
    """Say whether compiled code or NumPy draws, with which instructions and threads, and why.

    Raises
    ------
    InputError
        If the environment asks for something that is not here.

    Examples
    --------
    >>> backend().implementation in ("native", "reference")
    True
    """
    here = None if _native.library is None else instruction_set()
    asked = _asked()
    if asked == "reference":
        return Backend("reference", "ACTIVA_BACKEND asks for it", here, threads())
    if here is not None:
        return Backend("native", _native.reason, here, threads())
    if asked == "native":
        raise InputError(
            f"ACTIVA_BACKEND=native cannot be had: {_native.reason}; install activa-sim where "
            "there is a C++ compiler, or ask for reference"
        )
    return Backend("reference", _native.reason, None, threads())


def native() -> ModuleType | None:
    """Return the compiled extension if it is what draws, else None."""
    return _native.library if backend().implementation == "native" else None


def instruction_set() -> str:
    """Return the best instruction set that is here, and not above what `ACTIVA_ISA` asks for.

    Raises
    ------
    InputError
        If there is no such set.
    """
    here = _instruction_sets()
    asked = os.environ.get("ACTIVA_ISA") or INSTRUCTION_SETS[-1]
    if asked not in INSTRUCTION_SETS:
        raise InputError(f"ACTIVA_ISA={asked} is unknown; give {', '.join(INSTRUCTION_SETS)}")
    wanted = INSTRUCTION_SETS.index(asked)
    return [name for name in here if INSTRUCTION_SETS.index(name) <= wanted][-1]


def threads() -> int:
    """Return the number of threads: `ACTIVA_NUM_THREADS`, `OMP_NUM_THREADS`, else the processors.

    Results do not depend on the number.
    """
    for name in ("ACTIVA_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "")
        if name == "OMP_NUM_THREADS":
            value = value.split(",")[0]  # a list gives one number for each level of nesting
        if value:
            if not value.isdecimal() or int(value) < 1:
                raise InputError(f"{name}={value} is not a number of threads; give 1 or more")
            return int(value)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _asked() -> str | None:
    asked = os.environ.get("ACTIVA_BACKEND") or None
    if asked not in (None, *BACKENDS):
        raise InputError(f"ACTIVA_BACKEND={asked} is unknown; give reference or native")
    return asked


@cache
def _instruction_sets() -> list[str]:
    assert _native.library is not None
    return list(_native.library.instruction_sets())
