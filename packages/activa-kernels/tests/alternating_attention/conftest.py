from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from activa_kernels.alternating_attention import BlockWeights
from torch import Tensor

Problem = tuple[Tensor, BlockWeights]
DrawBlock = Callable[..., Problem]


@pytest.fixture
def draw_block() -> DrawBlock:
    """Draw x (B, N, d, e) and the weights of a block of hidden width h."""

    def problem(
        B: int, N: int, d: int, e: int, h: int, dtype: torch.dtype = torch.float64
    ) -> Problem:
        generator = torch.Generator().manual_seed(B + 10 * N + 100 * d + 1000 * h)

        def normal(*shape: int) -> Tensor:
            drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
            return (drawn / shape[-1] ** 0.5 if len(shape) == 2 else drawn / 4).to(dtype)

        weights = BlockWeights(
            1 + normal(e),
            normal(e),
            2 * normal(3 * e, e),
            normal(3 * e),
            normal(e, e),
            normal(e),
            1 + normal(e),
            normal(e),
            normal(h, e),
            normal(h),
            normal(e, h),
            normal(e),
        )
        return 4 * normal(B, N, d, e), weights

    return problem
