"""h(D, I): a sample and a query become one vector a variable (paper, Sec. 4.1)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from activa_core.config import ModelConfig
from activa_core.data import real
from activa_core.model.layers import Precision, TransformerBlock

__all__ = ["Embedding", "encode_query", "encode_units"]


class Embedding(nn.Module):
    """Attention over the variables and over the samples in turn, then the mean over the samples.

    Invariant to the order of the samples, equivariant to the order of the variables. Its blocks
    are numbered from `first_layer` on.

    The query is a channel beside the data, as in the paper. With `late_query` it enters after the
    mean over the samples, and what comes before is done once for all queries of a sample.
    With `see_units` the units of a column are channels too.
    """

    def __init__(self, config: ModelConfig, *, first_layer: int) -> None:
        super().__init__()
        e, h = config.embed_dim, config.hidden_dim
        units, query = config.unit_channels, config.query_channels
        self.lift = nn.Linear(1 + units + (0 if config.late_query else query), e)
        self.query_lift = nn.Linear(query, e) if config.late_query else None
        blocks = [
            TransformerBlock(e, h, config.heads, config.dropout, layer=first_layer + block)
            for block in range(config.embed_blocks + config.query_blocks)
        ]
        self.blocks = nn.ModuleList(blocks[: config.embed_blocks])
        self.query_blocks = nn.ModuleList(blocks[config.embed_blocks :])
        self.norm = nn.LayerNorm(e)

    def forward(
        self,
        rows: Tensor,
        query: Tensor,
        *,
        units: Tensor | None = None,
        n_obs: Tensor | None = None,
        n_vars: Tensor | None = None,
        precision: Precision | None = None,
        key: Tensor | None = None,
    ) -> Tensor:  # (M, N, d), (B, d, query), (M, d, units); M = B, or with a late query a divisor
        beside = [] if self.query_lift is not None else [query]
        beside += [] if units is None else [units]
        of_datum, of_rest = self.lift.weight[:, :1], self.lift.weight[:, 1:]
        # the lift of [datum, rest] in two shares, as that of the rest is the same in all rows
        share: Tensor = self.lift.bias
        if beside:
            share = F.linear(torch.cat(beside, dim=-1), of_rest, share)[:, None]  # (M, 1, d, e)
        x = F.linear(rows[..., None], of_datum) + share  # (M, N, d, e)
        for place, block in enumerate(self.blocks):
            axis = "samples" if place % 2 else "variables"
            x = block(x, axis=axis, n_obs=n_obs, n_vars=n_vars, precision=precision, key=key)
        pooled: Tensor = _mean_over_rows(self.norm(x), n_obs)  # (M, d, e)
        if self.query_lift is None:
            return pooled
        queries = len(query) // len(rows)
        joined: Tensor = pooled.repeat_interleave(queries, dim=0) + self.query_lift(query)
        if n_vars is not None:
            n_vars = n_vars.repeat_interleave(queries)
        for block in self.query_blocks:
            joined = block(joined[:, None], axis="variables", n_vars=n_vars, key=key).squeeze(1)
        return joined


def _mean_over_rows(x: Tensor, n_obs: Tensor | None) -> Tensor:  # (B, N, d, e), (B,)
    if n_obs is None:
        return x.mean(dim=1)
    x = x.masked_fill(~real(n_obs, x.shape[1])[:, :, None, None], 0.0)
    return x.sum(dim=1) / n_obs[:, None, None]


def encode_units(mean: Tensor, scale: Tensor, config: ModelConfig) -> Tensor:
    """Encode the mean and standard deviation (B, d) of columns: (B, d, unit_channels).

    They are log |scale| and mean / scale, which stays within +-100, as a table may stand far from
    zero. The scale of a reflected column is negative; with `see_reflection` its sign is the third.
    """
    seen = [scale.abs().log(), (mean / scale).clamp(-100.0, 100.0), scale.sign()]
    return torch.stack(seen[: config.unit_channels], dim=-1)


def encode_query(targets: Tensor, values: Tensor, config: ModelConfig) -> Tensor:
    """Encode do(V_t = v) for the channel axis; nothing in it tells which variable a column is.

    Parameters
    ----------
    targets : Tensor, shape (B, d), bool
        The variables that are set.
    values : Tensor, shape (B, d)
        What they are set to, in model units for "value" and in those of `trained_values` for
        "index"; off target it does not matter.
    config : ModelConfig
        `query` "index": t_j * onehot(i) over `trained_values`; "value": [t_j, t_j * v_j].

    Returns
    -------
    Tensor, shape (B, d, query_channels)
    """
    mask = targets.to(values.dtype)[..., None]  # (B, d, 1)
    if config.query == "value":
        return torch.cat([mask, mask * values[..., None]], dim=-1)
    # number by number, as a tensor made from them would have to wait for a GPU
    away = torch.stack([(values - v).abs() for v in config.trained_values], dim=-1)  # (B, d, |I|)
    indices = torch.arange(away.shape[-1], device=values.device)
    return mask * (away.argmin(dim=-1, keepdim=True) == indices)
