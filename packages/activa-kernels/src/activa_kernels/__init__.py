"""Shared arithmetic of activa, fast where a compiler or a GPU is there and correct everywhere."""

from activa_kernels.backend import Backend, backend, native_available
from activa_kernels.errors import InputError
from activa_kernels.memory import keep_freed_memory

__all__ = ["Backend", "InputError", "backend", "keep_freed_memory", "native_available"]
