"""Shared arithmetic of activa, fast where a compiler or a GPU is there and correct everywhere."""

from activa_kernels.backend import Backend, backend, native_available
from activa_kernels.errors import InputError

__all__ = ["Backend", "InputError", "backend", "native_available"]
