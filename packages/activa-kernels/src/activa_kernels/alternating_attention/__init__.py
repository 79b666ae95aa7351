"""One transformer block over the samples or over the variables of a table."""

from activa_kernels.alternating_attention.op import alternating_attention
from activa_kernels.alternating_attention.reference import BlockWeights

__all__ = ["BlockWeights", "alternating_attention"]
