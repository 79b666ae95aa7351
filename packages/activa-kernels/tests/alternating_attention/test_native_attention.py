"""The compiled softmax attention at the edges of its blocks, at extreme scores, around what is NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from activa_kernels.alternating_attention import BlockWeights, alternating_attention, reference
from activa_kernels.backend import native, native_available
from torch import Tensor

DrawBlock = Callable[..., tuple[Tensor, BlockWeights]]
SETS = native().instruction_sets() if native_available() else []
PRECISIONS = ["float64", "float32", "bfloat16"]
# of the largest entry: sums of some hundred terms; bfloat16 numbers have 8 bits
TOLERANCE = {"float64": 1e-12, "float32": 1e-5, "bfloat16": 0.03}


def attention_alone(weights: BlockWeights) -> BlockWeights:
    """Without the feed-forward, so that no error hides behind its sums."""
    return weights._replace(
        output_weight=torch.zeros_like(weights.output_weight),
        output_bias=torch.zeros_like(weights.output_bias),
    )


def value_and_gradients(
    function: Callable[..., Tensor], x: Tensor, weights: BlockWeights, **options: Any
) -> list[Tensor]:
    """Return the update, and the gradients of x and of the weights that attention reads."""
    inputs = [t.detach().requires_grad_() for t in (x, *weights[2:4])]
    out = function(inputs[0], weights._replace(**_named(inputs[1:])), **options)
    upstream = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).sin().reshape(out.shape)
    return [(out - inputs[0]).detach(), *torch.autograd.grad(out, inputs, upstream)]


def _named(tensors: list[Tensor]) -> dict[str, Tensor]:
    return dict(zip(("query_key_value_weight", "query_key_value_bias"), tensors, strict=True))


def exactly(x: Tensor, weights: BlockWeights, **options: Any) -> list[Tensor]:
    nothing = {"dropout": 0.0, "key": None, "layer": 0, "n_obs": None, "n_vars": None}
    return value_and_gradients(
        reference.alternating_attention, x, weights, precision=None, **{**nothing, **options}
    )


def in_precision(x: Tensor, weights: BlockWeights, precision: str, **options: Any) -> list[Tensor]:
    dtype = torch.float64 if precision == "float64" else torch.float32
    x, weights = x.to(dtype), BlockWeights(*(w.to(dtype) for w in weights))
    return value_and_gradients(alternating_attention, x, weights, precision=precision, **options)


def assert_near(actual: list[Tensor], exact: list[Tensor], precision: str) -> None:
    for got, wanted in zip(actual, exact, strict=True):
        error = (got.double() - wanted).abs().max() / wanted.abs().max().clamp_min(1e-3)
        assert error < TOLERANCE[precision]


@pytest.fixture(autouse=True)
def native_only(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("ACTIVA_BACKEND", "native")
    return monkeypatch


@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("precision", PRECISIONS)
# where short ones end, at whole vectors, whole blocks of queries and of keys, and one more
@pytest.mark.parametrize("length", [2, 11, 12, 13, 31, 64, 65, 96, 97, 193])
def test_a_sequence_of_any_length_agrees_with_the_reference(
    draw_block: DrawBlock,
    native_only: pytest.MonkeyPatch,
    length: int,
    precision: str,
    isa: str,
) -> None:
    native_only.setenv("ACTIVA_ISA", isa)
    x, weights = draw_block(1, length, 2, 32, 4)
    weights = attention_alone(weights)
    options = {"axis": "samples", "heads": 2}
    exact = exactly(x, weights, **options)
    assert_near(in_precision(x, weights, precision, **options), exact, precision)


@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("precision", PRECISIONS)
# heads of 1, 3, 8, 9, 16, 17 and 64 numbers: less than a word or a vector, whole ones, and more
@pytest.mark.parametrize(
    ("e", "heads"), [(5, 5), (6, 2), (64, 8), (63, 7), (48, 3), (34, 2), (64, 1)]
)
def test_a_head_of_any_size_agrees_with_the_reference(
    draw_block: DrawBlock,
    native_only: pytest.MonkeyPatch,
    e: int,
    heads: int,
    precision: str,
    isa: str,
) -> None:
    native_only.setenv("ACTIVA_ISA", isa)
    x, weights = draw_block(2, 19, 3, e, 4)
    weights = attention_alone(weights)
    for axis in ("samples", "variables"):
        options: dict[str, Any] = {"axis": axis, "heads": heads}
        exact = exactly(x, weights, **options)
        assert_near(in_precision(x, weights, precision, **options), exact, precision)


@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("length", [3, 130])
def test_scores_that_no_exponential_holds_choose_the_largest(
    draw_block: DrawBlock, native_only: pytest.MonkeyPatch, length: int, isa: str
) -> None:
    """Scores of some ten thousands, of which float32 holds three decimals: two that are near may mix."""
    native_only.setenv("ACTIVA_ISA", isa)
    x, weights = draw_block(1, length, 1, 16, 4)
    weights = attention_alone(weights)
    larger = weights.query_key_value_weight.clone()
    larger[:32] *= 100  # queries and keys
    weights = weights._replace(query_key_value_weight=larger)
    options = {"axis": "samples", "heads": 1}
    exact = exactly(x, weights, **options)[0]
    for precision, tolerance in (("float64", 1e-10), ("float32", 1e-3)):
        update = in_precision(x, weights, precision, **options)[0]
        assert (update.double() - exact).abs().max() < tolerance * exact.abs().max()


@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("length", "axis"), [(20, "samples"), (5, "samples"), (20, "variables")])
def test_nan_stays_in_its_sequence(
    draw_block: DrawBlock,
    native_only: pytest.MonkeyPatch,
    length: int,
    axis: str,
    precision: str,
    isa: str,
) -> None:
    native_only.setenv("ACTIVA_ISA", isa)
    x, weights = draw_block(3, length, 4, 16, 4)
    options = {"axis": axis, "heads": 2}
    clean = in_precision(x, weights, precision, **options)
    x[1, 2, 3, 5] = float("nan")
    dirty = in_precision(x, weights, precision, **options)
    reached = torch.zeros(x.shape[:3], dtype=torch.bool)
    reached[1, slice(None) if axis == "samples" else 2, 3 if axis == "samples" else slice(None)] = (
        True
    )
    for before, after in zip(clean[:2], dirty[:2], strict=True):  # the update, the gradient of x
        assert after[reached].isnan().all()
        assert torch.equal(after[~reached], before[~reached])


@pytest.mark.parametrize("isa", SETS)
def test_bfloat16_sums_are_float32(
    draw_block: DrawBlock, native_only: pytest.MonkeyPatch, isa: str
) -> None:
    """Of 500 equal values the mean is that value: a sum in bfloat16 would stop at 256 of them."""
    native_only.setenv("ACTIVA_ISA", isa)
    x, weights = draw_block(1, 500, 1, 16, 4, torch.float32)
    weights = attention_alone(BlockWeights(*(torch.zeros_like(w) for w in weights)))
    bias = torch.zeros(48)
    bias[32:] = 1.0  # every token's value, at scores of 0
    weights = weights._replace(query_key_value_bias=bias, projection_weight=torch.eye(16))
    out = alternating_attention(x, weights, axis="samples", heads=2, precision="bfloat16")
    torch.testing.assert_close(out - x, torch.ones_like(x), rtol=0, atol=2**-8)
