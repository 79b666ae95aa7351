"""What a training step of ours spends its time on: marks at the edges of the network's parts.

On the way back a gradient crosses the same edges in reverse, and autograd runs what was made last
first; so it is at home in one part at a time there too.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any
from unittest.mock import patch

import torch
from activa_core.model import CVAE
from activa_core.model.decoder import Decoder
from activa_core.model.embedding import Embedding
from activa_core.model.encoder import Encoder
from activa_core.model.layers import TransformerBlock
from activa_core.model.prior import LatentMixture, Prior
from activa_core.optimiser import Optimiser
from activa_core.step import Step
from torch import Tensor

REST = "rest"
# methods, and the stage of a step that each is; an inner one is left out of an outer one
STAGES: tuple[tuple[type, str, str], ...] = (
    (TransformerBlock, "forward", "blocks"),
    (Embedding, "forward", "embeddings"),
    (Encoder, "forward", "encoder"),
    (Prior, "forward", "prior"),
    (Decoder, "forward", "decoder"),
    (CVAE, "log_likelihood", "likelihood"),
    (LatentMixture, "kl_bound", "divergence"),
    (LatentMixture, "kl_monte_carlo", "divergence"),
    (Optimiser, "step", "optimiser"),
    (Step, "differentiate", REST),  # the last stage of the way back ends with it
)
Function = Callable[..., Any]


class Clock:
    """CPU seconds by stage; each moment belongs to the stage that was entered last."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.stage, self.since = REST, time.process_time()

    def enter(self, stage: str) -> None:
        """Go on in another stage."""
        now = time.process_time()
        self.seconds[self.stage] += now - self.since
        self.stage, self.since = stage, now


@contextmanager
def watched(clock: Clock) -> Iterator[None]:
    """Count on a clock what the stages of steps take that are done in here."""
    with ExitStack() as stack:
        for owner, name, stage in STAGES:
            staged = _staged(clock, stage, getattr(owner, name))
            stack.enter_context(patch.object(owner, name, staged))
        yield


def _staged(clock: Clock, stage: str, function: Function) -> Function:
    def call(*arguments: Any, **options: Any) -> Any:
        outer = clock.stage
        arguments, options = _crossed(clock, outer, (arguments, options))
        clock.enter(stage)
        out = function(*arguments, **options)
        clock.enter(outer)
        return _crossed(clock, stage, out)

    return call


def _crossed(clock: Clock, stage: str, value: Any) -> Any:
    """Return a value whose gradients, once all of them are there, enter a stage."""
    tensors: list[Tensor] = []

    def found(tensor: Tensor) -> Tensor:
        tensors.append(tensor)
        return tensor

    _map(value, found)
    if not tensors:
        return value
    fresh = iter(_Edge.apply(clock, stage, *tensors))  # type: ignore[no-untyped-call]
    return _map(value, lambda _: next(fresh))


def _map(value: Any, change: Function) -> Any:
    """Change the differentiable tensors in tuples, dicts and dataclasses."""
    if isinstance(value, Tensor):
        return change(value) if value.requires_grad else value
    if isinstance(value, tuple):
        return tuple(_map(part, change) for part in value)
    if isinstance(value, dict):
        return {name: _map(part, change) for name, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return replace(value, **_map(parts, change))
    return value


class _Edge(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, clock: Clock, stage: str, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.clock, ctx.stage = clock, stage
        ctx.set_materialize_grads(False)
        return tuple(tensor.view_as(tensor) for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        ctx.clock.enter(ctx.stage)
        return (None, None, *gradients)
