"""The Triton kernels of the block: on a device where there is one, else in the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from activa_kernels.alternating_attention import (
    BlockWeights,
    alternating_attention,
    reference,
    tiles,
)
from activa_kernels.alternating_attention.dropout import (
    WHOLE,
    keep_mask,
    philox,
    site_key,
    threshold,
)
from torch import Tensor

triton = pytest.importorskip("triton")
tl = pytest.importorskip("triton.language")
parts = pytest.importorskip("activa_kernels.alternating_attention.triton_parts")
DrawBlock = Callable[..., tuple[Tensor, BlockWeights]]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
KEY = (3, 2**33 + 1)
PAPER = [  # N, d, h, heads
    (30, 2, 128, 2),
    (40, 8, 512, 4),
    (40, 11, 256, 4),
    (500, 2, 128, 2),
]


@pytest.fixture(autouse=True)
def triton_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "triton")


def value_and_gradients(
    function: Callable[..., Tensor], x: Tensor, weights: BlockWeights, options: dict[str, Any]
) -> list[Tensor]:
    inputs = [t.detach().clone().requires_grad_() for t in (x, *weights)]
    out = function(inputs[0], BlockWeights(*inputs[1:]), **options)
    upstream = torch.linspace(-1, 2, out.numel(), dtype=out.dtype, device=out.device)
    return [out.detach(), *torch.autograd.grad(out, inputs, upstream.reshape(out.shape))]


def exact(x: Tensor, weights: BlockWeights, options: dict[str, Any]) -> list[Tensor]:
    wide = BlockWeights(*(w.double() for w in weights))
    defaults = {"dropout": 0.0, "key": None, "layer": 0, "n_obs": None, "n_vars": None}
    options = {**defaults, **options, "precision": None}
    options["dropout"] = threshold(options["dropout"]) / WHOLE
    return value_and_gradients(reference.alternating_attention, x.double(), wide, options)


def errors(got: list[Tensor], wanted: list[Tensor]) -> list[float]:
    """Largest differences, in units of the largest entry."""
    return [
        float((a.double() - b).abs().max() / b.abs().max())
        for a, b in zip(got, wanted, strict=True)
    ]


def on_device(problem: tuple[Tensor, BlockWeights]) -> tuple[Tensor, BlockWeights]:
    return problem[0].to(DEVICE), BlockWeights(*(w.to(DEVICE) for w in problem[1]))


# float32 keeps 7 digits, of which sums over 64 terms and the softmax lose one
@pytest.mark.parametrize(
    ("B", "N", "d", "h", "heads", "axis", "ragged"),
    [
        (2, 7, 3, 48, 2, "samples", True),
        (2, 7, 3, 16, 4, "variables", False),
        (1, 1, 1, 16, 2, "samples", False),
        (1, 65, 2, 16, 4, "samples", False),
        (1, 65, 2, 16, 4, "samples", True),
        (1, 2, 35, 32, 2, "variables", True),
    ],
)
def test_value_and_every_gradient_agree_with_the_reference(
    draw_block: DrawBlock, B: int, N: int, d: int, h: int, heads: int, axis: str, ragged: bool
) -> None:
    x, weights = on_device(draw_block(B, N, d, 64, h, torch.float32))
    options: dict[str, Any] = {"axis": axis, "heads": heads}
    if ragged:
        options["n_obs"] = torch.tensor([max(1, N - 2), N][:B], device=DEVICE)
        options["n_vars"] = torch.tensor([d, max(1, d - 1)][-B:], device=DEVICE)
        options |= {"dropout": 0.3, "layer": 2**31 + 5, "key": torch.tensor(KEY, device=DEVICE)}
        real = reference.real_tokens(x, options["n_obs"], options["n_vars"])
        assert real is not None
        x = x.masked_fill(~real, float("nan"))
    got = value_and_gradients(alternating_attention, x, weights, options)
    assert max(errors(got, exact(x, weights, options))) < 5e-6


def test_a_program_that_takes_many_tiles_adds_them_all(
    draw_block: DrawBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "PROGRAMS", 4)
    x, weights = on_device(draw_block(3, 13, 5, 64, 48, torch.float32))
    options = {"axis": "samples", "heads": 2}
    assert tiles.plan_for(3, 13, 5, 64, 48, 2, "samples", "float32").tile_rows == 4
    got = value_and_gradients(alternating_attention, x, weights, options)
    assert max(errors(got, exact(x, weights, options))) < 5e-6


@pytest.mark.parametrize("axis", ["samples", "variables"])
def test_tiles_of_bfloat16_do_the_same_work(draw_block: DrawBlock, axis: str) -> None:
    """One kernel does the whole block there; the interpreter leaves its numbers in float32."""
    x, weights = on_device(draw_block(2, 17, 3, 64, 48, torch.float32))
    options: dict[str, Any] = {"axis": axis, "heads": 2, "precision": "bfloat16", "dropout": 0.25}
    options["key"] = torch.tensor(KEY, device=DEVICE)
    got = value_and_gradients(alternating_attention, x, weights, options)
    tolerance = 5e-6 if DEVICE == "cpu" else 5e-2
    assert max(errors(got, exact(x, weights, options))) < tolerance


@pytest.mark.parametrize("axis", ["samples", "variables"])
def test_dropout_keeps_what_the_definition_keeps(draw_block: DrawBlock, axis: Any) -> None:
    """Of a block whose two updates are constants, the output shows both masks."""
    x, weights = on_device(draw_block(2, 5, 3, 64, 16, torch.float32))
    zero = BlockWeights(*(torch.zeros_like(w) for w in weights))
    weights = zero._replace(projection_bias=zero[5] + 1, output_bias=zero[11] + 3)
    key = torch.tensor(KEY, device=DEVICE)
    out = alternating_attention(
        0 * x, weights, axis=axis, heads=2, dropout=0.5, key=key, layer=2**32 - 1
    )
    first, second = (keep_mask(tuple(x.shape), key, 2**32 - 1, site, 32768) for site in (0, 1))
    assert torch.equal(out, 2.0 * first + 6.0 * second)


@triton.jit  # type: ignore[untyped-decorator]
def places(found, kept, key, tile, N, D, S, OVER_SAMPLES: tl.constexpr):  # type: ignore[no-untyped-def,name-defined]
    """Tokens of tile number `tile`, and which of its elements the second dropout keeps."""
    row = tl.arange(0, 64)
    tile = (tl.program_id(0) + tile).to(tl.int64)
    start, token, _, _ = parts.flat_rows(tile, 2**40, N, D, None, None, 64)
    tl.store(found + row, start + token)
    ones = tl.full([64, 64], 1.0, tl.float32)
    ones = parts.dropped(ones, start, token, key, tl.program_id(0) + 6, 32768, 2.0, 1, 64, 64)
    parts.store_tokens(kept, 0, row, ones, row >= 0, 64)
    start, _, token, inside, _ = parts.packed_rows(
        tile, S, 2**40, N, D, None, None, 64, OVER_SAMPLES
    )
    tl.store(found + 64 + row, start + token)
    tl.store(found + 128 + row, inside.to(tl.int64))


@pytest.mark.parametrize(("S", "axis"), [(7, "samples"), (5, "variables")])
def test_places_far_beyond_32_bits_are_right(S: int, axis: str) -> None:
    """Tokens of a tile of packed and of a tile of plain rows, and dropout, near element 2^41."""
    N, d, tile = 7, 5, 2**29 + 3
    found = torch.zeros(3, 64, dtype=torch.int64, device=DEVICE)
    kept = torch.zeros(64, 64, device=DEVICE)
    key = torch.tensor(KEY, device=DEVICE)
    places[(1,)](found, kept, key, tile, N, d, S, axis == "samples", num_warps=4)
    flat = torch.arange(64) + tile * 64
    assert torch.equal(found[0].cpu(), flat)
    count = 64 // S
    sequence, position = tile * count + torch.arange(64) // S, torch.arange(64) % S
    if axis == "samples":
        packed = (sequence // d * N + position) * d + sequence % d
    else:
        packed = sequence * d + position
    inside = torch.arange(64) < count * S
    assert torch.equal(found[2].cpu().bool(), inside)
    assert torch.equal(found[1].cpu()[inside], packed[inside])
    assert torch.equal(kept.cpu() > 0, far_mask(tile * 64 * 64, 64 * 64).view(64, 64))


def far_mask(first: int, count: int) -> Tensor:
    """Elements kept at probability 1/2 from one far on, by the words of the definition."""
    counter = torch.arange(first // 8, (first + count) // 8)
    zero = torch.zeros_like(counter)
    key = site_key(torch.tensor(KEY), 6, 1)
    words = philox(key, (counter & 0xFFFFFFFF, counter >> 32, zero, zero))
    halves = [word >> shift & 0xFFFF for word in words for shift in (0, 16)]
    return torch.stack(halves, dim=1).flatten() >= 32768


def test_no_tables_give_no_output_and_gradients_of_zero(draw_block: DrawBlock) -> None:
    x, weights = on_device(draw_block(0, 3, 2, 64, 16, torch.float32))
    inputs = [t.requires_grad_() for t in (x, *weights)]
    out = alternating_attention(x, weights, axis="samples", heads=2)
    assert out.shape == x.shape
    assert not any(g.any() for g in torch.autograd.grad(out.sum(), inputs))


@pytest.mark.parametrize(("N", "d", "h", "heads"), PAPER)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_tile_holds_every_shape_of_the_paper(
    N: int, d: int, h: int, heads: int, precision: str
) -> None:
    assert tiles.refusal(64, h, heads, precision) is None


@pytest.mark.parametrize(
    ("e", "h", "heads", "says"),
    [
        (64, 40, 2, "a hidden width of 40 is no multiple of 16"),
        (48, 64, 2, "no tile holds a width of 48 with 2 heads in float32, but 64 with 2 or"),
    ],
)
def test_what_no_tile_holds_is_refused(e: int, h: int, heads: int, says: str) -> None:
    refusal = tiles.refusal(e, h, heads, "float32")
    assert refusal is not None
    assert says in refusal


@pytest.mark.gpu
@pytest.mark.parametrize("axis", ["samples", "variables"])
@pytest.mark.parametrize(("N", "d", "h", "heads"), PAPER)
def test_a_device_agrees_on_the_shapes_of_the_paper(
    draw_block: DrawBlock, N: int, d: int, h: int, heads: int, axis: str
) -> None:
    x, weights = on_device(draw_block(16, N, d, 64, h, torch.float32))
    options: dict[str, Any] = {"axis": axis, "heads": heads, "dropout": 0.1}
    options["key"] = torch.tensor(KEY, device=DEVICE)
    wanted = exact(x, weights, options)
    assert (
        max(errors(value_and_gradients(alternating_attention, x, weights, options), wanted)) < 2e-5
    )
    options["precision"] = "bfloat16"
    defaults = {"layer": 0, "n_obs": None, "n_vars": None}
    options["dropout"] = threshold(0.1) / WHOLE
    torch_itself = value_and_gradients(
        reference.alternating_attention, x, weights, {**defaults, **options}
    )
    got = value_and_gradients(alternating_attention, x, weights, options)
    pairs = zip(errors(got, wanted), errors(torch_itself, wanted), strict=True)
    assert all(ours < 2 * theirs for ours, theirs in pairs)


@pytest.mark.gpu
def test_a_captured_graph_gives_what_a_call_gives_and_follows_the_key(
    draw_block: DrawBlock,
) -> None:
    x, weights = on_device(draw_block(16, 40, 2, 64, 128, torch.float32))
    key = torch.tensor(KEY, device="cuda")
    options = {"axis": "samples", "heads": 2, "precision": "bfloat16", "dropout": 0.1, "key": key}
    value_and_gradients(alternating_attention, x, weights, options)  # compiles
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = value_and_gradients(alternating_attention, x, weights, options)
    for _ in range(2):
        key[1] += 1
        graph.replay()
        direct = value_and_gradients(alternating_attention, x, weights, options)
        assert all(torch.equal(a, b) for a, b in zip(captured, direct, strict=True))
