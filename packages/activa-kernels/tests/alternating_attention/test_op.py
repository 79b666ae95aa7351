"""What torch asks of an operator, and what its door refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from activa_kernels import InputError
from activa_kernels.alternating_attention import BlockWeights, alternating_attention, native
from torch import Tensor

DrawBlock = Callable[..., tuple[Tensor, BlockWeights]]
OPTIONS: dict[str, Any] = {"axis": "samples", "heads": 2}


@pytest.mark.parametrize("axis", ["samples", "variables"])
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("name", ["reference", "native"])
def test_gradients_are_the_slopes(
    draw_block: DrawBlock, monkeypatch: pytest.MonkeyPatch, axis: Any, ragged: bool, name: str
) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", name)
    x, weights = draw_block(2, 3, 2, 4, 3)
    inputs = [t.requires_grad_() for t in (x, *weights)]
    lengths = {"n_obs": torch.tensor([3, 2]), "n_vars": torch.tensor([1, 2])} if ragged else {}
    options: dict[str, Any] = {"dropout": 0.2, "key": torch.tensor([1, 2]), **lengths}

    def block(x: Tensor, *weights: Tensor) -> Tensor:
        return alternating_attention(x, BlockWeights(*weights), axis=axis, heads=2, **options)

    assert torch.autograd.gradcheck(block, inputs, fast_mode=True)


@pytest.mark.parametrize("save", [True, False])
def test_operator_keeps_what_torch_asks_of_one(draw_block: DrawBlock, save: bool) -> None:
    x, weights = draw_block(2, 3, 2, 4, 3)
    inputs = [t.requires_grad_(save) for t in (x, *weights)]
    key, n_obs = torch.tensor([1, 2]), torch.tensor([3, 2])
    arguments = (*inputs, key, n_obs, None, "samples", 2, "float64", 0.125, 1, "native", save)
    torch.library.opcheck(torch.ops.activa.alternating_attention.default, arguments)


@pytest.mark.parametrize(("name", "compiler"), [("reference", "eager"), ("native", "aot_eager")])
def test_compiles_into_one_graph(
    draw_block: DrawBlock, monkeypatch: pytest.MonkeyPatch, name: str, compiler: str
) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", name)
    x, weights = draw_block(2, 5, 3, 8, 12)
    key = torch.tensor([1, 2])

    def mean(x: Tensor) -> Tensor:
        return alternating_attention(x, weights, dropout=0.1, key=key, **OPTIONS).mean()

    x.requires_grad_()
    compiled = torch.compile(mean, fullgraph=True, backend=compiler)
    (gradient,) = torch.autograd.grad(compiled(x), x)
    (eager,) = torch.autograd.grad(mean(x), x)
    torch.testing.assert_close(gradient, eager)


def test_nothing_is_kept_where_nothing_needs_a_gradient(
    draw_block: DrawBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[int, int]] = []

    def forward(*arguments: Any, **options: Any) -> tuple[Tensor, Tensor, Tensor]:
        out, middle, workspace = run(*arguments, **options)
        kept.append((middle.numel(), workspace.numel()))
        return out, middle, workspace

    run = native.forward
    monkeypatch.setattr(native, "forward", forward)
    x, weights = draw_block(2, 5, 3, 8, 12)
    alternating_attention(x, weights, **OPTIONS)
    weights.hidden_bias.requires_grad_()
    with torch.no_grad():
        alternating_attention(x, weights, **OPTIONS)
    alternating_attention(x, weights, **OPTIONS)
    size = native.workspace_bytes(2, 5, 3, 8, 12, 2, x.dtype, "float64")
    assert kept == [(0, 0), (0, 0), (x.numel(), size)]
    assert size > 0


def test_strides_do_not_matter(draw_block: DrawBlock) -> None:
    x, weights = draw_block(2, 5, 3, 8, 12)
    strided = x.transpose(1, 2).contiguous().transpose(1, 2)
    columns = weights._replace(hidden_weight=weights.hidden_weight.T.contiguous().T)
    out = alternating_attention(strided, columns, **OPTIONS)
    assert torch.equal(out, alternating_attention(x, weights, **OPTIONS))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"heads": 3}, "3 heads do not divide a width of 8"),
        ({"heads": 0}, "0 heads do not divide a width of 8"),
        ({"axis": "rows"}, 'axis is \'rows\'; give "samples" or "variables"'),
        ({"precision": "float16"}, "precision is 'float16'"),
        ({"precision": "bfloat16"}, "precision is bfloat16 and x torch.float64; give float32"),
        ({"dropout": 1.0}, "dropout is 1.0; give a probability below 1"),
        ({"dropout": 0.1}, "dropout needs a key: an int64 tensor of seed and step"),
        ({"layer": -1}, "layer is -1; give a number from 0 to 2^32 - 1"),
        ({"key": torch.tensor([1])}, "key is torch.int64 of shape (1,)"),
        ({"n_obs": torch.tensor([1.0, 2.0])}, "n_obs is torch.float32"),
        (
            {"n_obs": torch.tensor([1, 2], device="meta")},
            "on meta; give int64 of shape (2,) on cpu",
        ),
        ({"n_obs": torch.tensor([1, 6])}, "n_obs must be from 1 to 5, got [1, 6]"),
        ({"n_vars": torch.tensor([0, 3])}, "n_vars must be from 1 to 3, got [0, 3]"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(
    draw_block: DrawBlock, options: dict[str, Any], says: str
) -> None:
    x, weights = draw_block(2, 5, 3, 8, 12)
    with pytest.raises(InputError, match=re.escape(says)):
        alternating_attention(x, weights, **{**OPTIONS, **options})


def test_tensors_that_do_not_fit_are_refused(draw_block: DrawBlock) -> None:
    x, weights = draw_block(2, 5, 3, 8, 12)
    with pytest.raises(InputError, match=r"x has shape \(5, 3, 8\); give \(B, N, d, e\)"):
        alternating_attention(x[0], weights, **OPTIONS)
    with pytest.raises(InputError, match=r"x is torch\.float16"):
        alternating_attention(x.half(), weights, **OPTIONS)
    with pytest.raises(InputError, match="hidden_bias has shape"):
        alternating_attention(x, weights._replace(hidden_bias=x[0, 0, 0]), **OPTIONS)
    with pytest.raises(InputError, match="give one dtype and one device"):
        alternating_attention(x.float(), weights, **OPTIONS)


@pytest.mark.parametrize("name", ["reference", "native"])
def test_only_what_needs_a_gradient_gets_one(
    draw_block: DrawBlock, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", name)
    x, weights = draw_block(2, 5, 3, 8, 12)
    weights.hidden_bias.requires_grad_()
    alternating_attention(x, weights, **OPTIONS).square().sum().backward()  # type: ignore[no-untyped-call]
    assert weights.hidden_bias.grad is not None
    assert weights.hidden_bias.grad.any()
    assert x.grad is weights.hidden_weight.grad is None
    with torch.no_grad():
        assert not alternating_attention(x, weights, **OPTIONS).requires_grad


def test_a_gradient_of_a_gradient_is_refused(draw_block: DrawBlock) -> None:
    x, weights = draw_block(1, 2, 2, 4, 4)
    out = alternating_attention(x.requires_grad_(), weights, **OPTIONS)
    (gradient,) = torch.autograd.grad(out.square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="alternating_attention"):
        torch.autograd.grad(gradient.sum(), x)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_captured_step_goes_on_with_the_key(draw_block: DrawBlock, precision: Any) -> None:
    """A device is not waited for, and a captured graph drops what its key then says."""
    drawn = draw_block(4, 7, 3, 64, 128, torch.float32)
    x, weights = drawn[0].cuda(), BlockWeights(*(w.cuda().requires_grad_() for w in drawn[1]))
    key, n_obs = torch.tensor([1, 2]).cuda(), torch.tensor([7, 3, 5, 1]).cuda()

    def step() -> list[Tensor]:
        out = alternating_attention(
            x, weights, precision=precision, dropout=0.2, key=key, n_obs=n_obs, **OPTIONS
        )
        return [out, *torch.autograd.grad(out.square().sum(), weights)]

    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    with torch.cuda.stream(stream):
        step()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            captured = step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    key[1] = 3
    graph.replay()
    for got, wanted in zip(captured, step(), strict=True):
        torch.testing.assert_close(got, wanted)
