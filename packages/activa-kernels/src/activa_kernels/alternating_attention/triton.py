"""The transformer block in Triton: which kernels are launched, on what.

Nothing here depends on a number that is on the device, so that a step can be captured in a CUDA
graph. Products in bfloat16 read a narrow copy of the four matrices, made anew in each call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import triton

from activa_kernels.alternating_attention import (
    triton_backward,
    triton_forward,
    triton_long,
    triton_reduce,
)
from activa_kernels.alternating_attention.dropout import WHOLE, threshold
from activa_kernels.alternating_attention.reference import BlockWeights
from activa_kernels.alternating_attention.tiles import BLOCK, PARTIALS, STAGES, Plan, plan_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

OPTIONS = {"num_stages": STAGES, "enable_fp_fusion": True}  # of the compiler
INTERPRETED = triton.knobs.runtime.interpret  # which multiplies no bfloat16: it stays float32


def forward(
    x: Tensor, weights: Sequence[Tensor], *, save: bool, **options: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the block's output, the middle (empty unless `save`) and an empty workspace.

    Takes contiguous tensors that a tile holds and options that `op.py` has checked.
    """
    call = Call.of(x, weights, **options)
    plan, w = call.plan, call.weights
    apart = plan.long or not plan.tile.fused  # the two halves of the block
    out = torch.empty_like(x)
    middle = torch.empty_like(x) if save or (apart and not plan.long) else None
    inputs = None
    if plan.long:
        _, inputs, _ = attend_long(call, x)
    else:
        launch(
            triton_forward.short_sequences, plan.packs, call,
            x, middle, out, *w, call.key, *call.lengths, *call.table, plan.length, plan.sequences,
            plan.hidden, *call.noise, call.scale,
            CHUNK=plan.tile.chunk, HEADS=plan.tile.heads, OVER_SAMPLES=call.over_samples,
            FUSED=plan.tile.fused,
        )  # fmt: skip
    if apart:
        launch(
            triton_forward.after_attention, plan.tiles, call,
            x if plan.long else middle, inputs, middle if plan.long else None, out, *w[4:],
            call.key, *call.lengths, *call.table, plan.tokens, plan.hidden, *call.noise,
            CHUNK=plan.tile.chunk,
        )  # fmt: skip
    kept = middle if save and middle is not None else x.new_empty(0)
    return out, kept, x.new_empty(0, dtype=torch.uint8)


def backward(
    grad_out: Tensor,
    x: Tensor,
    middle: Tensor,
    workspace: Tensor,
    weights: Sequence[Tensor],
    **options: Any,
) -> tuple[Tensor, list[Tensor]]:
    """Return the gradients of x and of the twelve weights, given that of the output."""
    assert workspace.numel() == 0
    call = Call.of(x, weights, **options)
    plan, w = call.plan, call.weights
    e = plan.tile.width
    grad_x = torch.empty_like(x)  # first the gradient of the middle, then in its place that of x
    inputs, gradients = call.scratch(2), call.scratch(4)
    by_units = x.new_empty(plan.unit_rows, plan.hidden * (2 * e + 1))
    by_quarters = x.new_empty(plan.quarter_rows, 4 * e * (e + 1))
    of_feed_forward, of_attention = (x.new_empty(plan.tile_rows, count * e) for count in (3, 2))
    launch(
        triton_backward.feed_forward_rows, plan.tile_rows, call,
        grad_out, middle, grad_x, inputs, gradients, of_feed_forward, *w[6:11],
        call.key, *call.lengths, *call.table, plan.tokens, plan.hidden, *call.noise,
        CHUNK=plan.tile.chunk,
    )  # fmt: skip
    launch(
        triton_backward.feed_forward_weights, plan.unit_rows * plan.unit_blocks, call,
        inputs, gradients, by_units, *w[8:11], plan.tokens, plan.hidden, CHUNK=plan.tile.chunk,
        num_stages=plan.tile.sum_stages,
    )  # fmt: skip
    if plan.long:
        inputs = long_gradients(call, x, grad_x, gradients)
    else:
        launch(
            triton_backward.short_attention_gradients, plan.packs, call,
            x, grad_x, inputs, gradients, *w[:5], call.key, *call.lengths, *call.table,
            plan.length, plan.sequences, *call.noise, call.scale,
            HEADS=plan.tile.heads, OVER_SAMPLES=call.over_samples,
        )  # fmt: skip
    launch(
        triton_backward.attention_rows, plan.tile_rows, call,
        x, grad_x, gradients, grad_x, of_attention, w.attention_norm_weight,
        w.query_key_value_weight, *call.lengths, *call.table, plan.tokens,
        num_warps=plan.tile.wide_warps,
    )  # fmt: skip
    launch(
        triton_backward.attention_weights, plan.quarter_rows * 4, call,
        inputs, gradients, by_quarters, plan.tokens,
    )  # fmt: skip
    summed = [torch.empty_like(weight) for weight in weights]
    triton_reduce.weight_gradients[(plan.sum_blocks,)](
        by_units, by_quarters, of_feed_forward, of_attention, *summed,
        plan.hidden, plan.unit_rows, plan.quarter_rows, plan.tile_rows,
        E=e, BLOCK=BLOCK, ROWS=PARTIALS, num_warps=4, **OPTIONS,
    )  # fmt: skip
    return grad_x, summed


def attend_long(call: Call, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys, values (T, 3, e), inputs (T, 2, e) and the softmax's sums (T, heads)."""
    plan, w = call.plan, call.weights
    query_key_value, inputs = call.scratch(3), call.scratch(2)
    log_sum = x.new_empty(plan.tokens, plan.tile.heads)
    launch(
        triton_forward.queries_keys_values, plan.tiles, call,
        x, query_key_value, inputs, *w[:4], *call.lengths, *call.table, plan.tokens,
    )  # fmt: skip
    launch(
        triton_long.long_attention, plan.spans, call,
        query_key_value, inputs, log_sum, *call.lengths, *call.table, plan.length, call.scale,
        HEADS=plan.tile.heads, OVER_SAMPLES=call.over_samples,
    )  # fmt: skip
    return query_key_value, inputs, log_sum


def long_gradients(call: Call, x: Tensor, grad_middle: Tensor, gradients: Tensor) -> Tensor:
    """Fill `gradients` from that of the middle; return the inputs."""
    plan = call.plan
    query_key_value, inputs, log_sum = attend_long(call, x)
    grad_attended, along = call.scratch(1), torch.empty_like(log_sum)
    launch(
        triton_backward.attention_upstream, plan.tiles, call,
        grad_middle, inputs, gradients, grad_attended, along, call.weights.projection_weight,
        call.key, *call.lengths, *call.table, plan.tokens, *call.noise, HEADS=plan.tile.heads,
    )  # fmt: skip
    for kernel in (triton_long.long_query_gradients, triton_long.long_key_value_gradients):
        launch(
            kernel, plan.spans, call,
            query_key_value, grad_attended, log_sum, along, gradients, *call.lengths,
            *call.table, plan.length, call.scale,
            HEADS=plan.tile.heads, OVER_SAMPLES=call.over_samples, num_stages=plan.tile.sum_stages,
        )  # fmt: skip
    return inputs


@dataclass(frozen=True)
class Call:
    """The arguments of the operator as kernels take them; weights in the type of the products."""

    plan: Plan
    weights: BlockWeights
    over_samples: bool
    key: Tensor | None
    lengths: tuple[Tensor | None, Tensor | None]  # n_obs, n_vars
    table: tuple[int, int]  # N, d
    noise: tuple[int, int, float]  # layer, threshold, what survivors are multiplied by
    scale: float

    @classmethod
    def of(
        cls,
        x: Tensor,
        weights: Sequence[Tensor],
        *,
        axis: str,
        heads: int,
        precision: str,
        dropout: float,
        key: Tensor | None,
        layer: int,
        n_obs: Tensor | None,
        n_vars: Tensor | None,
    ) -> Call:
        """Choose the tile, narrow the weights and derive the numbers."""
        B, N, d, e = x.shape
        w, drop = BlockWeights(*weights), threshold(dropout)
        plan = plan_for(B, N, d, e, w.hidden_weight.shape[0], heads, axis, precision)
        signed = layer - 2**32 if layer >= 2**31 else layer  # the same 32 bits
        return cls(
            plan=plan,
            weights=narrowed(w, plan) if precision == "bfloat16" and not INTERPRETED else w,
            over_samples=axis == "samples",
            key=key if drop else None,
            lengths=(n_obs, n_vars),
            table=(N, d),
            noise=(signed, drop, WHOLE / (WHOLE - drop)),
            scale=(e / heads) ** -0.5,
        )

    def scratch(self, parts: int) -> Tensor:
        """Room for something of every token (T, parts, e), in the type of the products."""
        w = self.weights.hidden_weight
        return w.new_empty(self.plan.tokens, parts, self.plan.tile.width)


def narrowed(weights: BlockWeights, plan: Plan) -> BlockWeights:
    """Return the weights with their four matrices in bfloat16."""
    matrices = [w for w in weights if w.ndim == 2]
    narrow = matrices[0].new_empty(sum(w.numel() for w in matrices), dtype=torch.bfloat16)
    triton_reduce.narrow_matrices[(plan.copy_blocks,)](
        *matrices, narrow, plan.hidden, E=plan.tile.width, BLOCK=BLOCK, num_warps=4, **OPTIONS
    )
    pieces = iter(narrow.split([w.numel() for w in matrices]))
    return BlockWeights(*(next(pieces).view_as(w) if w.ndim == 2 else w for w in weights))


def launch(kernel: Any, programs: int, call: Call, *arguments: Any, **options: Any) -> None:
    """Run that many programs of a kernel on the call's tile."""
    tile = call.plan.tile
    if programs:
        constants = {"ROWS": tile.rows, "E": tile.width, "num_warps": tile.warps}
        kernel[(programs,)](*arguments, **{**constants, **OPTIONS, **options})
