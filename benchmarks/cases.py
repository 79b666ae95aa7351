"""The registry: which shapes are measured, and what runs on each."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import Pairs
from activa_core.model import CVAE
from activa_core.model.layers import TransformerBlock
from activa_core.optimiser import NAdam
from activa_core.step import Inputs, Step
from activa_kernels.mixture_log_prob import mixture_log_prob
from peers import EagerBlock, EagerStep
from torch import Tensor, nn

__all__ = ["CASES", "Case", "Contestant"]

OURS = "activa"


@dataclass(frozen=True)
class Contestant:
    """One way to do a case's work; `run` does it once."""

    name: str
    precision: str
    run: Callable[[], object]


@dataclass(frozen=True)
class Case:
    """One piece of work on one shape."""

    name: str
    flops: float  # of its matrix products, computed from the shape
    contestants: Callable[[torch.device], list[Contestant]]


@dataclass(frozen=True)
class Shape:
    """B pairs of N rows and d variables through the network of a recipe."""

    name: str
    B: int
    N: int
    d: int
    heads: int
    hidden: int
    embed_blocks: int
    e: int = 64

    @property
    def block_flops(self) -> float:
        """Of one block, forward, without the scores."""
        tokens = self.B * self.N * self.d
        return tokens * (2 * self.e * 4 * self.e + 4 * self.e * self.hidden)


SHAPES = (
    Shape("gauss-2", 256, 40, 2, 2, 128, 4),
    Shape("gauss-8", 256, 30, 8, 4, 512, 8),
    Shape("general-2", 25, 256, 2, 2, 128, 4),
)


@contextmanager
def backend(name: str | None) -> Iterator[None]:
    """Ask the kernels for an implementation while something runs."""
    before = os.environ.pop("ACTIVA_BACKEND", None)
    if name is not None:
        os.environ["ACTIVA_BACKEND"] = name
    try:
        yield
    finally:
        os.environ.pop("ACTIVA_BACKEND", None)
        if before is not None:
            os.environ["ACTIVA_BACKEND"] = before


def block_case(shape: Shape, axis: str, *, backward: bool) -> Case:
    """One transformer block, forward alone or with its gradients."""

    def contestants(device: torch.device) -> list[Contestant]:
        generator = torch.Generator().manual_seed(0)
        size = (shape.B, shape.N, shape.d, shape.e)
        x = torch.randn(size, generator=generator).to(device).requires_grad_(backward)
        sizes = (shape.e, shape.hidden, shape.heads)

        def timed(
            block: nn.Module, x: Tensor, name: str | None, **options: object
        ) -> Callable[[], None]:
            block.to(device)

            def run() -> None:
                with backend(name), torch.set_grad_enabled(backward):
                    out = block(x, **options)
                    if backward:
                        out.backward(torch.ones_like(out))

            return run

        found = []
        for precision, autocast in (("float32", False), ("bfloat16", True)):
            ours = TransformerBlock(*sizes, 0.0, layer=0)
            options = {"axis": axis, "precision": precision}
            found.append(Contestant(OURS, precision, timed(ours, x, None, **options)))
            for name, changes in (
                ("eager", {}),
                ("eager, fused attention", {"attention": "sdpa"}),
                ("eager, micro-batches of 16", {"micro_batch": 16}),
            ):
                peer = EagerBlock(*sizes, axis=axis, autocast=autocast, **changes)  # type: ignore[arg-type]
                found.append(Contestant(name, precision, timed(peer, x, None)))
        narrow = EagerBlock(*sizes, axis=axis).to(torch.bfloat16)
        pure = x.detach().to(torch.bfloat16).requires_grad_(backward)
        found.append(Contestant("eager, all in bfloat16", "bfloat16", timed(narrow, pure, None)))
        if device.type == "cuda":
            for precision, autocast in (("float32", False), ("bfloat16", True)):
                peer = EagerBlock(*sizes, axis=axis, autocast=autocast)
                compiled = torch.compile(peer, mode="reduce-overhead")
                name = "torch.compile, reduce-overhead"
                found.append(Contestant(name, precision, timed(compiled, x, None)))
        return found

    direction = "forward + backward" if backward else "forward"
    return Case(
        f"block over {axis}, {direction}, {shape.name}",
        shape.block_flops * (3 if backward else 1),
        contestants,
    )


def step_case(shape: Shape) -> Case:
    """A whole training step: objective, gradients, clipping, optimiser."""

    def contestants(device: torch.device) -> list[Contestant]:
        generator = torch.Generator().manual_seed(0)
        rows = torch.randn(2, shape.B, shape.N, shape.d, generator=generator).to(device)
        targets = torch.zeros(shape.B, shape.d, dtype=torch.bool, device=device)
        targets[:, 0] = True
        pairs = Pairs(rows[0], targets, 5.0 * targets, rows[1])
        model = ModelConfig(
            max_variables=shape.d,
            hidden_dim=shape.hidden,
            heads=shape.heads,
            embed_blocks=shape.embed_blocks,
            dropout=0.0,
        )
        noise = torch.randn(shape.B, shape.d, model.latent_dim, generator=generator).to(device)
        found = []
        for precision in ("float32", "bfloat16"):
            config = TrainConfig(precision=precision)  # type: ignore[arg-type]
            found.append(Contestant(OURS, precision, our_step(model, config, pairs, noise)))
            for name, changed in (
                ("eager", config),
                ("eager, micro-batches of 16", config.model_copy(update={"micro_batch": 16})),
            ):
                step = EagerStep(model, changed, pairs, noise)

                def run(step: EagerStep = step) -> None:
                    with backend("reference"):
                        step()

                found.append(Contestant(name, precision, run))
        return found

    flops = 2 * shape.embed_blocks * 3 * shape.block_flops
    return Case(f"training step, {shape.name}", flops, contestants)


def our_step(
    model: ModelConfig, config: TrainConfig, pairs: Pairs, noise: Tensor
) -> Callable[[], None]:
    """Return the step that `fit` makes, on one batch."""
    network = CVAE(model).to(noise.device)
    optimiser = NAdam(network, clip_norm=config.clip_norm)
    step = Step(network, optimiser, config)
    keys = torch.zeros(1, 2, dtype=torch.int64, device=noise.device)

    def run() -> None:
        with backend(None):
            coefficients = optimiser.coefficients(config.learning_rate).to(noise)
            step(Inputs(pairs, noise, keys, coefficients))

    return run


def mixture_case(name: str, B: int, N: int, d: int, C: int, r: int) -> Case:
    """The mixture density with all its gradients."""

    def contestants(device: torch.device) -> list[Contestant]:
        generator = torch.Generator().manual_seed(0)

        def normal(*size: int) -> Tensor:
            return torch.randn(size, generator=generator).to(device)

        inputs = (normal(B, N, d), normal(B, C), normal(B, C, d), normal(B, C, d, r))
        leaves = [t.requires_grad_() for t in (*inputs, 0.1 + normal(B, C, d).square())]

        def run(name: str | None) -> None:
            with backend(name):
                torch.autograd.grad(mixture_log_prob(*leaves).sum(), leaves)

        return [
            Contestant(OURS, "float32", lambda: run(None)),
            Contestant("eager", "float32", lambda: run("reference")),
        ]

    return Case(f"mixture density, forward + backward, {name}", 0.0, contestants)


CASES = (
    *(
        block_case(shape, axis, backward=backward)
        for shape in SHAPES
        for axis in ("samples", "variables")
        for backward in (False, True)
    ),
    *(step_case(shape) for shape in SHAPES),
    mixture_case("gauss-8: 1 component of rank 64", 2048, 30, 8, 1, 64),
    mixture_case("general-2: 3 components of rank 64", 512, 48, 2, 3, 64),
)
