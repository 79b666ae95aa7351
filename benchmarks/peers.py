"""What the kernels are measured against: the same block and step in plain, tuned PyTorch."""

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F
from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import Pairs
from activa_core.model import CVAE
from torch import Tensor, nn

__all__ = ["EagerBlock", "EagerStep"]

Attention = Literal["products", "sdpa"]


class EagerBlock(nn.Module):
    """A pre-norm block over one axis of (B, N, d, e) as one writes it in PyTorch, dropout off.

    Parameters
    ----------
    embed_dim, hidden_dim, heads : int
    axis : {"samples", "variables"}
    attention : {"products", "sdpa"}
        Two matrix products and a softmax, or torch's fused attention.
    autocast : bool
        Matrix products in bfloat16.
    micro_batch : int, optional
        Items that go through the block at once, so that what is between its layers fits the cache.
    """

    def __init__(
        self,
        embed_dim: int,
        hidden_dim: int,
        heads: int,
        *,
        axis: str,
        attention: Attention = "products",
        autocast: bool = False,
        micro_batch: int | None = None,
    ) -> None:
        super().__init__()
        self.heads, self.axis, self.attention = heads, axis, attention
        self.autocast, self.micro_batch = autocast, micro_batch
        self.attention_norm = nn.LayerNorm(embed_dim)
        self.query_key_value = nn.Linear(embed_dim, 3 * embed_dim)
        self.projection = nn.Linear(embed_dim, embed_dim)
        self.feed_forward_norm = nn.LayerNorm(embed_dim)
        self.hidden = nn.Linear(embed_dim, hidden_dim)
        self.output = nn.Linear(hidden_dim, embed_dim)

    def forward(self, x: Tensor) -> Tensor:  # (B, N, d, e)
        parts = [x] if self.micro_batch is None else x.split(self.micro_batch)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.autocast):
            return torch.cat([self._block(part) for part in parts])

    def _block(self, x: Tensor) -> Tensor:
        normal = self.attention_norm(x)
        if self.axis == "samples":
            update = self._attend(normal.transpose(1, 2)).transpose(1, 2)
        else:
            update = self._attend(normal)
        x = x + self.projection(update)
        out: Tensor = x + self.output(F.gelu(self.hidden(self.feed_forward_norm(x))))
        return out

    def _attend(self, x: Tensor) -> Tensor:  # (B, ., S, e)
        heads = self.query_key_value(x).unflatten(-1, (3, self.heads, -1)).flatten(0, 1)
        query, key, value = heads.movedim(-3, 0).transpose(-3, -2)  # (B *, H, S, e/H)
        if self.attention == "sdpa":
            attended = F.scaled_dot_product_attention(query, key, value)
        else:
            scores = query @ key.mT / math.sqrt(query.shape[-1])
            attended = scores.softmax(dim=-1).to(value.dtype) @ value
        return attended.transpose(-3, -2).flatten(-2).view(x.shape)


class EagerStep:
    """A training step of the network with torch's own optimiser, clipping and finite check.

    The caller sees to it that the kernels run their references (ACTIVA_BACKEND=reference).
    """

    def __init__(
        self, model: ModelConfig, config: TrainConfig, pairs: Pairs, noise: Tensor
    ) -> None:
        self.config, self.pairs, self.noise = config, pairs, noise
        self.model = CVAE(model).to(noise.device)
        self.optimiser = torch.optim.NAdam(self.model.parameters(), lr=config.learning_rate)

    def __call__(self) -> None:
        """Move the weights by one step."""
        self.optimiser.zero_grad(set_to_none=True)
        B = len(self.pairs)
        size = self.config.micro_batch or B
        for start in range(0, B, size):
            part = slice(start, start + size)
            evidence = self.model.evidence(self.pairs[part], self.config, self.noise[part])
            loss: Any = evidence.loss(self.config.beta, self.config.predictive_weight).sum() / B
            loss.backward()
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        if not all(bool(g.isfinite().all()) for g in gradients):
            raise FloatingPointError("a gradient is not finite")
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimiser.step()
