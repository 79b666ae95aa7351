"""Distances between samples, exact transport and permutation statistics, on NumPy arrays."""

from activa_kernels.distances.op import (
    PermutationStatistics,
    Terms,
    energy_terms,
    mmd_terms,
    permutation_statistics,
    pooled_median,
    quadratic_forms,
)
from activa_kernels.distances.transport import (
    assignment,
    transport_cost,
    transport_plan,
    wasserstein_power,
)

__all__ = [
    "PermutationStatistics",
    "Terms",
    "assignment",
    "energy_terms",
    "mmd_terms",
    "permutation_statistics",
    "pooled_median",
    "quadratic_forms",
    "transport_cost",
    "transport_plan",
    "wasserstein_power",
]
