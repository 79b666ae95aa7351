"""Exact distances between samples, on NumPy arrays."""

from activa_kernels.distances.op import transport_cost

__all__ = ["transport_cost"]
