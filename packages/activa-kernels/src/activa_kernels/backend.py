"""Which implementation runs here, and why.

The environment decides where it says something: `ACTIVA_BACKEND` (reference, native, triton or cuda),
`ACTIVA_ISA` (base, avx2, avx512 or avx512bf16) and `ACTIVA_NUM_THREADS`. What was asked for and
cannot be had is an error; what was chosen automatically falls back to the reference and says why.
"""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from activa_kernels import _native
from activa_kernels._native import cuda
from activa_kernels.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

Function = TypeVar("Function", bound="Callable[..., str]")

# the implementations a family has beside its reference, and the one a device takes unasked;
# assignment is the part of the distances that Triton cannot do
FAMILIES: dict[str, tuple[str, ...]] = {
    "alternating_attention": ("native", "triton"),
    "mixture_log_prob": ("native", "triton"),
    "distances": ("native", "triton"),
    "assignment": ("native", "cuda"),
}
AUTOMATIC = {"cpu": "native", "cuda": "triton"}
IMPLEMENTATIONS = ("reference", "native", "triton", "cuda")
REASONS = {
    "native": "compiled code is the fastest on a CPU",
    "triton": "Triton is the fastest on a CUDA device",
    "cuda": f"a warp a pair of up to {cuda.LARGEST} rows, larger pairs on the CPU",
}
BFLOAT16_SETS = ("avx512bf16",)  # the instruction sets that multiply bfloat16


@dataclass(frozen=True)
class Choice:
    """The implementation of one family of kernels on one kind of device."""

    family: str
    device: str
    implementation: str
    reason: str


@dataclass(frozen=True)
class Backend:
    """What `backend()` found; `print` it.

    `instruction_set` and `cuda_compiler` are None where nothing is compiled, `cuda_device` where
    torch, which would know, is not loaded.
    """

    choices: tuple[Choice, ...]
    instruction_set: str | None
    threads: int
    cuda_compiler: str | None
    cuda_device: bool | None

    @property
    def bfloat16_products(self) -> str | None:
        """How compiled code multiplies bfloat16: "native", or "emulated" by float32; or None."""
        if self.instruction_set is None:
            return None
        return "native" if self.instruction_set in BFLOAT16_SETS else "emulated"

    def __str__(self) -> str:
        lines = [f"{c.family} on {c.device}: {c.implementation} ({c.reason})" for c in self.choices]
        lines.append(f"instruction set: {self.instruction_set or 'none, nothing is compiled'}")
        lines.append(f"bfloat16 products: {self.bfloat16_products or 'none, nothing is compiled'}")
        lines.append(f"threads: {self.threads}")
        lines.append(f"CUDA compiler at build time: {self.cuda_compiler or 'nothing is compiled'}")
        device = {None: "not known, torch is not loaded", True: "yes", False: "none"}
        lines.append(f"CUDA device: {device[self.cuda_device]}")
        return "\n".join(lines)


def backend() -> Backend:
    """Say which implementation, instruction set and number of threads are in use, and why.

    Raises
    ------
    InputError
        If the environment asks for something that is not here.

    Examples
    --------
    >>> backend().choices[0].family
    'alternating_attention'
    """
    choices = [
        _choose(family, device, "float32") for family in FAMILIES for device in ("cpu", "cuda")
    ]
    library = _native.library
    return Backend(
        choices=tuple(choices),
        instruction_set=None if library is None else instruction_set(),
        threads=threads(),
        cuda_compiler=None if library is None else library.cuda_compiler,
        cuda_device=sys.modules["torch"].cuda.is_available() if "torch" in sys.modules else None,
    )


def choose(family: str, device: str, dtype: str, *, refusal: str | None = None) -> Choice:
    """Return the implementation for this call; warn once if nothing is compiled and that costs time.

    `refusal` says why the kernels for a GPU cannot take the sizes of this call, if they cannot.

    Raises
    ------
    InputError
        If `ACTIVA_BACKEND` asks for an implementation that cannot take this device and dtype.
    """
    choice = _choose(family, device, dtype, refusal)
    if device == "cpu" and choice.implementation == "reference" and not _asked():
        _warn_that_nothing_is_compiled()
    return choice


def native() -> ModuleType:
    """Return the compiled extension; call it only after `choose` has said "native"."""
    assert _native.library is not None
    return _native.library


def native_available() -> bool:
    """Whether the compiled extension is installed."""
    return _native.library is not None


def instruction_set() -> str:
    """Return the instruction set in use: the best one here, or what `ACTIVA_ISA` asks for.

    Raises
    ------
    InputError
        If this processor, or this build, does not have what was asked for.
    """
    available = _instruction_sets()
    asked = os.environ.get("ACTIVA_ISA")
    if not asked:
        return available[-1]
    if asked not in available:
        raise InputError(f"ACTIVA_ISA={asked} cannot be had here; choose {' or '.join(available)}")
    return asked


def threads() -> int:
    """Return the number of threads: `ACTIVA_NUM_THREADS`, else torch's, else the processors.

    torch is asked only where it is loaded; where it is not, `OMP_NUM_THREADS` counts. Results do
    not depend on the number.
    """
    for name in ("ACTIVA_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name)
        if name == "OMP_NUM_THREADS" and "torch" in sys.modules:
            return int(sys.modules["torch"].get_num_threads())
        if value and name == "OMP_NUM_THREADS":
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
    if asked is not None and asked not in IMPLEMENTATIONS:
        known = f"{', '.join(IMPLEMENTATIONS[:-1])} or {IMPLEMENTATIONS[-1]}"
        raise InputError(f"ACTIVA_BACKEND={asked} is unknown; give {known}")
    return asked


def _choose(family: str, device: str, dtype: str, refusal: str | None = None) -> Choice:
    asked = _asked()
    if asked == "reference":
        return Choice(family, device, "reference", "ACTIVA_BACKEND asks for it")
    name = asked or AUTOMATIC.get(device)
    if name == "triton" and "cuda" in FAMILIES[family] and not asked:
        name = "cuda"
    if name is None:
        return Choice(family, device, "reference", f"no fast path for {device}")
    obstacle = _obstacle(family, name, device, dtype)
    if obstacle is None and name in ("triton", "cuda"):
        obstacle = refusal
    if obstacle is None:
        return Choice(
            family, device, name, "ACTIVA_BACKEND asks for it" if asked else REASONS[name]
        )
    if asked:
        raise InputError(f"ACTIVA_BACKEND={asked} cannot serve {family} on {device}: {obstacle}")
    if name == "cuda" and native_available():
        return Choice(family, device, "native", f"on the CPU: {obstacle}")
    return Choice(family, device, "reference", obstacle)


def constant(function: Function) -> Function:
    """`torch.compiler.assume_constant_result`, which would load the compiler: a second of imports."""
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


def _obstacle(family: str, implementation: str, device: str, dtype: str) -> str | None:
    """What keeps an implementation from running, or None."""
    if implementation not in FAMILIES[family]:
        return f"{family} has no {implementation} implementation"
    if implementation == "native":
        if device != "cpu":
            return "native code runs on the CPU only"
        return None if native_available() else _native.reason
    if implementation == "cuda":
        return cuda.obstacle() if device == "cuda" else "CUDA kernels run on a CUDA device only"
    if not _has_triton():
        return "Triton is not installed (pip install 'activa-kernels[triton]')"
    if dtype != "float32":
        return f"the Triton kernels take float32, not {dtype}"
    if device == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
        return "Triton needs a CUDA device, or its interpreter (TRITON_INTERPRET=1)"
    return None


@cache
def _has_triton() -> bool:
    return find_spec("triton") is not None


@cache
def _instruction_sets() -> list[str]:
    return list(native().instruction_sets())


@cache
def _warn_that_nothing_is_compiled() -> None:
    warnings.warn(
        f"{_native.reason}: the slower reference runs. Install activa-kernels where there is a C++ "
        "compiler to change that, or set ACTIVA_BACKEND=reference to accept it.",
        stacklevel=4,
    )
