"""A step of training: micro-batches, and twenty steps through the kernels and without them."""

import math
from typing import Any

import pytest
import torch
from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import pairs
from activa_core.model import CVAE
from activa_core.optimiser import Optimiser
from activa_core.step import Inputs, Step
from torch import Tensor

CONFIG = TrainConfig(steps=20, learning_rate=3e-3)


def network(config: ModelConfig, dtype: torch.dtype, seed: int = 0) -> CVAE:
    torch.random.manual_seed(seed)
    return CVAE(config).to(dtype)


def draw_inputs(
    source: Any, config: ModelConfig, coefficients: Tensor, step: int, parts: int
) -> Inputs:
    """In the dtype of the coefficients."""
    asked = pairs(source.batches(step), standardised=False)
    asked = asked.map(lambda t: t.to(coefficients) if t.is_floating_point() else t)
    generator = torch.Generator().manual_seed(step)
    noise = torch.randn(
        len(asked), 1, 2, config.latent_dim, generator=generator, dtype=torch.float64
    )
    keys = torch.tensor([[7, step * parts + part] for part in range(parts)])
    return Inputs(asked, noise.to(coefficients), keys, coefficients)


def train(
    config: ModelConfig, source: Any, dtype: torch.dtype, *, steps: int = 20, seed: int = 0
) -> Tensor:
    """All weights after so many steps, one behind the other."""
    model = network(config, dtype, seed)
    optimiser = Optimiser(model, clip_norm=1.0)
    step = Step(model, optimiser, CONFIG)
    for number in range(steps):
        coefficients = optimiser.coefficients(CONFIG.learning_rate).to(dtype)
        step(draw_inputs(source, config, coefficients, number, 1))
    assert step.sums.isfinite().all()
    return optimiser.vector.double()


@pytest.mark.parametrize("rows", ["mean", "sum"])
@pytest.mark.parametrize("size", [1, 3, 5, 16, 99])
@pytest.mark.parametrize("late_query", [False, True])
def test_micro_batches_add_up_to_the_gradient_of_the_whole_batch(
    small: ModelConfig, toy_source: Any, size: int, rows: Any, late_query: bool
) -> None:
    options = {"dropout": 0.0, "late_query": late_query, "query_blocks": int(late_query)}
    model = network(small.model_copy(update=options), torch.float64)
    optimiser = Optimiser(model, clip_norm=1.0)
    found = []
    for micro_batch in (None, size):
        config = CONFIG.model_copy(update={"micro_batch": micro_batch, "rows": rows})
        whole = max(micro_batch // 2 * 2, 2) if micro_batch else 16  # two queries a data set
        parts = math.ceil(16 / whole)
        inputs = draw_inputs(toy_source, small, torch.ones(4).double(), 0, parts)
        terms = Step(model, optimiser, config).differentiate(inputs)
        found.append((terms, optimiser.gradients.clone()))
    torch.testing.assert_close(found[0], found[1], rtol=1e-10, atol=1e-10)
    assert found[0][1].abs().max() > 1e-3


def test_micro_batches_drop_different_elements(small: ModelConfig, toy_source: Any) -> None:
    model = network(small.model_copy(update={"dropout": 0.5}), torch.float64)
    optimiser = Optimiser(model, clip_norm=1.0)
    step = Step(model, optimiser, CONFIG.model_copy(update={"micro_batch": 8}))
    inputs = draw_inputs(toy_source, small, torch.ones(4).double(), 0, 2)
    step.differentiate(inputs)
    different = optimiser.gradients.clone()
    step.differentiate(Inputs(inputs.pairs, inputs.noise, inputs.keys[[0, 0]], inputs.coefficients))
    assert not torch.allclose(different, optimiser.gradients)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_twenty_steps_through_the_kernels_are_those_of_the_reference(
    small: ModelConfig, toy_source: Any, monkeypatch: pytest.MonkeyPatch, dropout: float
) -> None:
    config = small.model_copy(update={"dropout": dropout})
    exact, rounded = (train(config, toy_source, dtype) for dtype in (torch.float64, torch.float32))
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    reference = train(config, toy_source, torch.float64)
    torch.testing.assert_close(exact, reference, rtol=0, atol=1e-8)
    plain = train(config, toy_source, torch.float32)
    # in float32 the kernels round otherwise than the reference, and are no further from it than
    # the reference is from itself with another seed
    other = train(config, toy_source, torch.float32, seed=1)
    assert (rounded - plain).norm() < (other - plain).norm() / 10
    assert (rounded - reference).norm() < 2 * (plain - reference).norm()
