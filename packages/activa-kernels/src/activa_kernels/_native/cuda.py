"""The library of CUDA kernels, if this installation has one; loaded when it is first asked for.

It needs no driver to be loaded; without one, its functions return an error, which raises here.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

LARGEST = 256  # rows of a pair that the assignment's kernel takes
OLDEST = (8, 0)  # compute capability that it is compiled for
NAMES = ("_cuda.so", "_cuda.dll")


def obstacle() -> str | None:
    """Say why there is no library to call, or return None."""
    return _load()[1]


def assign(
    costs: int, is_double: bool, n: int, pairs: int, columns: int, device: int, stream: int
) -> None:
    """Launch on device pointers: costs (pairs, n, n) and int64 columns (pairs, n).

    Raises
    ------
    RuntimeError
        If the device refuses the launch.
    """
    library, reason = _load()
    if library is None:
        raise RuntimeError(reason)
    code: int = library.activa_assign(costs, is_double, n, pairs, columns, device, stream)
    if code:
        message: bytes = library.activa_cuda_error(code)
        raise RuntimeError(f"the CUDA kernel of the assignment did not start: {message.decode()}")


@cache
def _load() -> tuple[ctypes.CDLL | None, str | None]:
    found = [path for name in NAMES if (path := Path(__file__).with_name(name)).exists()]
    if not found:
        return None, "no CUDA compiler was used when activa-kernels was installed"
    try:
        library = ctypes.CDLL(str(found[0]))
    except OSError as error:
        return None, f"the CUDA library cannot be loaded ({error})"
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    sizes = (integer, integer, ctypes.c_longlong)
    library.activa_assign.argtypes = (pointer, *sizes, pointer, integer, pointer)
    library.activa_cuda_error.argtypes = (integer,)
    library.activa_cuda_error.restype = ctypes.c_char_p
    return library, None
