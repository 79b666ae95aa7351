"""The definition, against torch's own layer and against what padding and order may not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from activa_kernels.alternating_attention import BlockWeights, alternating_attention
from torch import Tensor

DrawBlock = Callable[..., tuple[Tensor, BlockWeights]]


@pytest.fixture(autouse=True)
def by_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")


def by_torch(x: Tensor, w: BlockWeights, axis: str, heads: int) -> Tensor:
    """torch.nn's own pre-norm encoder layer over one axis."""
    e, h = x.shape[-1], w.hidden_weight.shape[0]
    layer = torch.nn.TransformerEncoderLayer(
        e, heads, h, 0.0, "gelu", batch_first=True, norm_first=True, dtype=x.dtype
    )
    names = [
        ("norm1.weight", w.attention_norm_weight),
        ("norm1.bias", w.attention_norm_bias),
        ("self_attn.in_proj_weight", w.query_key_value_weight),
        ("self_attn.in_proj_bias", w.query_key_value_bias),
        ("self_attn.out_proj.weight", w.projection_weight),
        ("self_attn.out_proj.bias", w.projection_bias),
        ("norm2.weight", w.feed_forward_norm_weight),
        ("norm2.bias", w.feed_forward_norm_bias),
        ("linear1.weight", w.hidden_weight),
        ("linear1.bias", w.hidden_bias),
        ("linear2.weight", w.output_weight),
        ("linear2.bias", w.output_bias),
    ]
    layer.load_state_dict(dict(names))
    sequences = x.transpose(1, 2) if axis == "samples" else x
    out: Tensor = layer(sequences.flatten(0, 1)).view(sequences.shape)
    return out.transpose(1, 2) if axis == "samples" else out


@pytest.mark.parametrize("axis", ["samples", "variables"])
@pytest.mark.parametrize(
    ("B", "N", "d", "e", "h", "heads"), [(2, 7, 3, 8, 20, 2), (1, 1, 1, 6, 5, 3)]
)
def test_is_the_pre_norm_layer_of_torch(
    draw_block: DrawBlock, axis: Any, B: int, N: int, d: int, e: int, h: int, heads: int
) -> None:
    x, weights = draw_block(B, N, d, e, h)
    out = alternating_attention(x, weights, axis=axis, heads=heads)
    torch.testing.assert_close(out, by_torch(x, weights, axis, heads), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axis", ["samples", "variables"])
def test_the_order_of_samples_and_of_variables_moves_with_the_tokens(
    draw_block: DrawBlock, axis: Any
) -> None:
    x, weights = draw_block(2, 5, 4, 8, 12)
    rows, columns = torch.tensor([3, 0, 4, 1, 2]), torch.tensor([2, 0, 3, 1])
    moved = alternating_attention(x[:, rows][:, :, columns], weights, axis=axis, heads=2)
    still = alternating_attention(x, weights, axis=axis, heads=2)
    torch.testing.assert_close(moved, still[:, rows][:, :, columns])


@pytest.mark.parametrize("axis", ["samples", "variables"])
def test_an_item_with_padding_is_the_item_alone(draw_block: DrawBlock, axis: Any) -> None:
    x, weights = draw_block(3, 6, 4, 8, 12)
    n_obs, n_vars = torch.tensor([6, 1, 4]), torch.tensor([2, 4, 3])
    for b in range(3):
        x[b, n_obs[b] :] = torch.nan
        x[b, :, n_vars[b] :] = torch.nan
    x.requires_grad_()
    out = alternating_attention(x, weights, axis=axis, heads=2, n_obs=n_obs, n_vars=n_vars)
    (gradient,) = torch.autograd.grad(out.square().sum(), x)
    for b in range(3):
        N, d = int(n_obs[b]), int(n_vars[b])
        alone = x[b : b + 1, :N, :d].detach().requires_grad_()
        expected = alternating_attention(alone, weights, axis=axis, heads=2)
        torch.testing.assert_close(out[b, :N, :d], expected[0])
        (slope,) = torch.autograd.grad(expected.square().sum(), alone)
        torch.testing.assert_close(gradient[b, :N, :d], slope[0])
        assert not out[b, N:].any()
        assert not out[b, :, d:].any()
        assert not gradient[b, N:].any()
        assert not gradient[b, :, d:].any()


def test_dropout_keeps_the_mean_and_zeroes_updates(draw_block: DrawBlock) -> None:
    """A block whose projection and feed-forward give 1 everywhere shows the two masks."""
    x, drawn = draw_block(2, 5, 3, 8, 12)
    one = torch.ones_like(drawn.projection_bias)
    weights = drawn._replace(
        projection_weight=torch.zeros_like(drawn.projection_weight),
        projection_bias=one,
        output_weight=torch.zeros_like(drawn.output_weight),
        output_bias=10 * one,
    )
    key = torch.tensor([3, 4])
    out = alternating_attention(x, weights, axis="samples", heads=2, dropout=0.25, key=key)
    update = (out - x) * 0.75
    seen = set(update.round(decimals=6).flatten().tolist())
    assert seen == {0.0, 1.0, 10.0, 11.0}


def test_narrow_products_come_close_to_wide_ones(draw_block: DrawBlock) -> None:
    x, weights = draw_block(2, 9, 3, 16, 32, torch.float32)
    wide = alternating_attention(x, weights, axis="samples", heads=2)
    narrow = alternating_attention(x, weights, axis="samples", heads=2, precision="bfloat16")
    error = (narrow - wide).abs().max() / wide.abs().max()
    assert narrow.dtype == torch.float32
    assert 1e-5 < error < 0.02
