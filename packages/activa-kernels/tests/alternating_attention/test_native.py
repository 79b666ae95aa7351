"""The compiled block against its definition in float64, on every instruction set of this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from activa_kernels.alternating_attention import BlockWeights, alternating_attention, reference
from activa_kernels.backend import native, native_available
from torch import Tensor

DrawBlock = Callable[..., tuple[Tensor, BlockWeights]]
SETS = native().instruction_sets() if native_available() else []
OPTIONS: dict[str, Any] = {
    "precision": None,
    "dropout": 0.0,
    "key": None,
    "layer": 0,
    "n_obs": None,
    "n_vars": None,
}
# B, N, d, e, h, heads: odd sizes, several items a tile, and one item that is many blocks of rows
SHAPES = [
    (1, 1, 1, 8, 20, 1),
    (3, 7, 3, 24, 20, 2),
    (2, 65, 2, 64, 128, 4),
    (9, 1, 11, 64, 128, 2),
    (70, 7, 1, 8, 20, 2),
    (2, 5, 3, 128, 70, 4),
    (1, 175, 2, 64, 20, 2),
]


def value_and_gradients(
    function: Callable[..., Tensor], x: Tensor, weights: BlockWeights, **options: Any
) -> list[Tensor]:
    """Return the output, and the gradients of x and of the twelve weights."""
    inputs = [t.detach().requires_grad_() for t in (x, *weights)]
    out = function(inputs[0], BlockWeights(*inputs[1:]), **{**OPTIONS, **options})
    upstream = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).sin().reshape(out.shape)
    return [out.detach(), *torch.autograd.grad(out, inputs, upstream)]


def exactly(x: Tensor, weights: BlockWeights, **options: Any) -> list[Tensor]:
    wide = BlockWeights(*(w.double() for w in weights))
    return value_and_gradients(reference.alternating_attention, x.double(), wide, **options)


def error(actual: Tensor, exact: Tensor) -> float:
    """Largest difference in units of the largest entry, or of 1e-3 if that is larger.

    The gradient of the keys' bias is zero but for rounding.
    """
    return float((actual.double() - exact).abs().max() / exact.abs().max().clamp_min(1e-3))


@pytest.fixture
def native_only(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("ACTIVA_BACKEND", "native")
    return monkeypatch


@pytest.mark.parametrize("axis", ["samples", "variables"])
@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("shape", SHAPES)
def test_value_and_every_gradient_agree_with_the_reference(
    draw_block: DrawBlock,
    native_only: pytest.MonkeyPatch,
    shape: tuple[int, ...],
    isa: str,
    axis: str,
) -> None:
    native_only.setenv("ACTIVA_ISA", isa)
    *sizes, heads = shape
    x, weights = draw_block(*sizes)
    options = {"axis": axis, "heads": heads}
    exact = exactly(x, weights, **options)
    for got, wanted in zip(
        value_and_gradients(alternating_attention, x, weights, **options), exact, strict=True
    ):
        assert error(got, wanted) < 1e-12

    x, weights = x.float(), BlockWeights(*(w.float() for w in weights))
    exact = exactly(x, weights, **options)
    # ten to twenty roundings of sums of some hundred terms
    for got, wanted in zip(
        value_and_gradients(alternating_attention, x, weights, **options), exact, strict=True
    ):
        assert got.dtype == torch.float32
        assert error(got, wanted) < 1e-5


@pytest.mark.parametrize("axis", ["samples", "variables"])
@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("shape", [(3, 7, 3, 24, 20, 2), (4, 40, 2, 64, 128, 2)])
def test_bfloat16_is_as_near_as_autocast(
    draw_block: DrawBlock,
    native_only: pytest.MonkeyPatch,
    shape: tuple[int, ...],
    isa: str,
    axis: str,
) -> None:
    native_only.setenv("ACTIVA_ISA", isa)
    *sizes, heads = shape
    x, weights = draw_block(*sizes, torch.float32)
    options = {"axis": axis, "heads": heads}
    exact = exactly(x, weights, **options)
    options["precision"] = "bfloat16"
    autocast = value_and_gradients(reference.alternating_attention, x, weights, **options)
    for got, other, wanted in zip(
        value_and_gradients(alternating_attention, x, weights, **options),
        autocast,
        exact,
        strict=True,
    ):
        assert got.dtype == torch.float32
        off = (got.double() - wanted).norm()
        assert 0 < off < 2 * (other.double() - wanted).norm()


@pytest.mark.parametrize("axis", ["samples", "variables"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_padding_is_never_read_and_its_gradient_is_zero(
    draw_block: DrawBlock, native_only: pytest.MonkeyPatch, precision: str, axis: str
) -> None:
    x, weights = draw_block(5, 13, 3, 24, 20, torch.float32)
    lengths = {"n_obs": torch.tensor([13, 1, 7, 12, 2]), "n_vars": torch.tensor([1, 3, 2, 3, 2])}
    padding = ~reference.real_tokens(x, **lengths)  # type: ignore[operator]
    options = {"axis": axis, "heads": 2, **lengths}
    exact = exactly(x, weights, **options)
    x = x.masked_fill(padding, float("nan"))
    actual = value_and_gradients(alternating_attention, x, weights, precision=precision, **options)
    for got in actual[:2]:
        assert not got.masked_select(padding).any()
    for got, wanted in zip(actual, exact, strict=True):
        assert error(got, wanted) < (1e-5 if precision == "float32" else 0.05)


@pytest.mark.parametrize("axis", ["samples", "variables"])
@pytest.mark.parametrize("e", [8, 6, 64])
def test_dropout_drops_what_the_reference_drops(
    draw_block: DrawBlock, native_only: pytest.MonkeyPatch, e: int, axis: str
) -> None:
    x, weights = draw_block(3, 9, 5, e, 20)
    key = torch.tensor([2**40 + 5, 2**33 + 1])
    n_obs = torch.tensor([9, 4, 1])
    options = {"axis": axis, "heads": 2, "dropout": 0.3, "key": key, "layer": 3, "n_obs": n_obs}
    exact = exactly(x, weights, **options)
    for got, wanted in zip(
        value_and_gradients(alternating_attention, x, weights, **options), exact, strict=True
    ):
        assert error(got, wanted) < 1e-12
    without = alternating_attention(x, weights, axis=axis, heads=2, n_obs=n_obs)  # type: ignore[arg-type]
    assert error(without, exact[0]) > 0.1


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("shape", [(33, 7, 3, 64, 70, 2), (2, 500, 2, 8, 20, 2)])
def test_any_number_of_threads_gives_the_same_bits(
    draw_block: DrawBlock,
    native_only: pytest.MonkeyPatch,
    shape: tuple[int, ...],
    precision: str,
) -> None:
    *sizes, heads = shape
    x, weights = draw_block(*sizes, torch.float32)
    options: dict[str, Any] = {"axis": "samples", "heads": heads, "precision": precision}
    options |= {"dropout": 0.1, "key": torch.tensor([1, 2])}
    results = []
    for threads in ("1", "2", "4"):
        native_only.setenv("ACTIVA_NUM_THREADS", threads)
        results.append(value_and_gradients(alternating_attention, x, weights, **options))
    for other in results[1:]:
        assert all(torch.equal(p, q) for p, q in zip(results[0], other, strict=True))


@pytest.mark.parametrize("axis", ["samples", "variables"])
@pytest.mark.parametrize("isa", SETS)
def test_an_item_alone_and_a_pass_without_gradients_give_the_same(
    draw_block: DrawBlock, native_only: pytest.MonkeyPatch, isa: str, axis: Any
) -> None:
    native_only.setenv("ACTIVA_ISA", isa)
    x, weights = draw_block(6, 13, 5, 24, 20, torch.float32)
    out = value_and_gradients(alternating_attention, x, weights, axis=axis, heads=2)[0]
    assert torch.equal(out, alternating_attention(x, weights, axis=axis, heads=2))
    alone = alternating_attention(x[4:5], weights, axis=axis, heads=2)
    torch.testing.assert_close(alone, out[4:5], rtol=0, atol=2e-6)


@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("e", [8, 64])
def test_what_lies_around_the_inputs_does_not_matter(
    draw_block: DrawBlock, native_only: pytest.MonkeyPatch, isa: str, e: int
) -> None:
    native_only.setenv("ACTIVA_ISA", isa)

    def amid_nan(t: Tensor) -> Tensor:
        around = torch.full((t.numel() + 130,), float("nan"), dtype=t.dtype)
        around[65:-65] = t.flatten()
        return around[65:-65].view(t.shape)

    for precision in ("float32", "bfloat16"):
        x, weights = draw_block(3, 7, 5, e, 20, torch.float32)
        options = {"axis": "samples", "heads": 2, "precision": precision}
        plain = value_and_gradients(alternating_attention, x, weights, **options)
        inside = BlockWeights(*(amid_nan(w) for w in weights))
        amid = value_and_gradients(alternating_attention, amid_nan(x), inside, **options)
        assert all(torch.equal(p, q) for p, q in zip(plain, amid, strict=True))


def test_a_batch_of_nothing_has_no_gradient(
    draw_block: DrawBlock, native_only: pytest.MonkeyPatch
) -> None:
    x, weights = draw_block(0, 3, 2, 8, 20)
    out, *gradients = value_and_gradients(
        alternating_attention, x, weights, axis="samples", heads=2
    )
    assert out.shape == x.shape
    assert not any(g.any() for g in gradients)


@pytest.mark.skipif(not SETS, reason="nothing is compiled")
def test_a_watch_counts_this_threads_time_by_phase_and_changes_no_bit(
    draw_block: DrawBlock, native_only: pytest.MonkeyPatch
) -> None:
    native_only.setenv("ACTIVA_NUM_THREADS", "1")
    x, weights = draw_block(9, 40, 2, 64, 128, torch.float32)

    def run() -> list[Tensor]:
        return value_and_gradients(alternating_attention, x, weights, axis="samples", heads=2)

    plain = run()
    start = time.thread_time()
    native().start_watch()
    found = run()
    seconds = native().stop_watch()
    most = time.thread_time() - start
    assert all(torch.equal(a, b) for a, b in zip(plain, found, strict=True))
    assert 0.5 * most < sum(sum(phases.values()) for phases in seconds.values()) <= most
    forward, backward = seconds["forward"], seconds["backward"]
    for phase in ("query_key_value", "attention", "projection", "feed_forward", "gelu", "norm"):
        assert forward[phase] > 0
        assert backward[phase] > 0
    assert backward["weight_gradients"] > 0 == forward["weight_gradients"]

    native().start_watch()
    other = threading.Thread(target=run)
    other.start()
    other.join()
    run_elsewhere = native().stop_watch()
    run()  # after the watch was stopped
    assert not any(run_elsewhere["forward"].values())
    native().start_watch()
    assert not any(native().stop_watch()["backward"].values())
