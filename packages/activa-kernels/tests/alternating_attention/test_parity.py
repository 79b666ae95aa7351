"""What must be the same whichever implementation runs: what dropout drops, and where training goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from activa_kernels.alternating_attention import BlockWeights, alternating_attention
from activa_kernels.alternating_attention.dropout import keep_mask, threshold
from torch import Tensor

DrawBlock = Callable[..., tuple[Tensor, BlockWeights]]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
KEYS = [(0, 0), (2**40 + 7, 2**35 + 3), (-1, 2**63 - 1)]


def masks_seen(x: Tensor, drawn: BlockWeights, dropout: float, **options: Any) -> list[Tensor]:
    """Both masks of a block whose projection gives 1 and whose feed-forward gives 2 everywhere."""
    weights = drawn._replace(
        projection_weight=torch.zeros_like(drawn.projection_weight),
        projection_bias=torch.ones_like(drawn.projection_bias),
        output_weight=torch.zeros_like(drawn.output_weight),
        output_bias=2 * torch.ones_like(drawn.output_bias),
    )
    out = alternating_attention(x, weights, heads=2, dropout=dropout, **options)
    kept = ((out - x) * (1 - dropout)).round().long()  # 0, 1, 2 or 3: a bit for each site
    return [(kept & 1).bool(), (kept & 2).bool()]


@pytest.mark.parametrize("axis", ["samples", "variables"])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", ["reference", "native", "triton"])
def test_the_same_elements_are_dropped(
    draw_block: DrawBlock,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    key: tuple[int, int],
    axis: Any,
) -> None:
    if name == "triton":
        pytest.importorskip("triton")
    monkeypatch.setenv("ACTIVA_BACKEND", name)
    device = DEVICE if name == "triton" else "cpu"
    x, drawn = draw_block(2, 5, 3, 64, 16, torch.float32)
    x, weights = x.to(device), BlockWeights(*(w.to(device) for w in drawn))
    site = {"key": torch.tensor(key, device=device), "layer": 2**32 - 1}
    seen = masks_seen(x, weights, 0.25, axis=axis, **site)
    for place in (0, 1):
        expected = keep_mask(tuple(x.shape), drop=threshold(0.25), site=place, **site)  # type: ignore[arg-type]
        assert 0 < expected.sum() < expected.numel()
        assert torch.equal(seen[place], expected)


def after_training(
    draw_block: DrawBlock, dtype: torch.dtype, seed: int, axes: tuple[Any, ...]
) -> Tensor:
    """All weights of blocks along `axes` after 50 steps of gradient descent on ragged tables."""
    x, _ = draw_block(4, 9, 3, 16, 24, dtype)
    goal = x.flip(0).sin()
    n_obs, n_vars = torch.tensor([9, 5, 1, 8]), torch.tensor([3, 2, 3, 1])
    drawn = [draw_block(1, 1, 1, 16, 24 + i, dtype)[1] for i in range(len(axes))]
    blocks = [BlockWeights(*(w.requires_grad_() for w in block)) for block in drawn]
    weights = [w for block in blocks for w in block]
    optimiser = torch.optim.SGD(weights, lr=0.1, momentum=0.9)
    for step in range(50):
        y = x
        for layer, (block, axis) in enumerate(zip(blocks, axes, strict=True)):
            y = alternating_attention(
                y,
                block,
                axis=axis,
                heads=2,
                dropout=0.1,
                key=torch.tensor([seed, step]),
                layer=layer,
                n_obs=n_obs,
                n_vars=n_vars,
            )
        optimiser.zero_grad()
        (y - goal).square().mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return torch.cat([w.detach().flatten() for w in weights])


def test_fifty_steps_of_training_arrive_where_the_reference_does(
    draw_block: DrawBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes = ("samples", "variables")
    arrived = {}
    for name in ("reference", "native"):
        monkeypatch.setenv("ACTIVA_BACKEND", name)
        for dtype in (torch.float64, torch.float32):
            arrived[name, dtype] = after_training(draw_block, dtype, 0, axes)
    exact = arrived["reference", torch.float64]
    start = torch.cat([w.flatten() for i in range(2) for w in draw_block(1, 1, 1, 16, 24 + i)[1]])
    assert (exact - start).abs().max() > 0.1  # it went somewhere
    torch.testing.assert_close(arrived["native", torch.float64], exact, rtol=0, atol=1e-8)
    # in float32 what the implementations differ by is nothing beside what the masks differ by
    apart = arrived["native", torch.float32] - arrived["reference", torch.float32]
    other = after_training(draw_block, torch.float32, 1, axes)
    assert apart.norm() < 1e-3 * (other - arrived["native", torch.float32]).norm()
