from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # read when the kernels are imported

Draw = Callable[..., list[Tensor]]


@pytest.fixture(autouse=True)
def fresh_memory_is_nan() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(autouse=True)
def nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACTIVA_BACKEND", "ACTIVA_ISA", "ACTIVA_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def draw() -> Draw:
    """Draw x, log_weights, means, factors and diagonal; rows from a component: where it matters."""

    def problem(
        B: int, N: int, d: int, C: int, r: int, eps: float, dtype: torch.dtype = torch.float64
    ) -> list[Tensor]:
        generator = torch.Generator().manual_seed(B + 10 * N + 100 * d + 1000 * r)

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64)

        means, factors = normal(B, C, d), normal(B, C, d, r)
        diagonal = eps * (1 + torch.rand(B, C, d, generator=generator, dtype=torch.float64))
        noise = diagonal[:, :1].sqrt() * normal(B, N, d)
        x = means[:, :1] + normal(B, N, r) @ factors[:, 0].mT + noise
        log_weights = normal(B, C).log_softmax(dim=1)
        return [t.to(dtype) for t in (x, log_weights, means, factors, diagonal)]

    return problem
