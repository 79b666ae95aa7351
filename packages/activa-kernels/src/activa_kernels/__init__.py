"""Shared arithmetic of activa, fast where a compiler or a GPU is there and correct everywhere."""

from activa_kernels.errors import InputError

__all__ = ["InputError"]
