"""h(D, I): a sample and a query become one vector a variable (paper, Sec. 4.1)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from activa_core.config import ModelConfig
from activa_core.data import real
from activa_core.model.layers import Precision, TransformerBlock

__all__ = ["Embedding", "encode_query"]


class Embedding(nn.Module):
    """Attention over the variables and over the samples in turn, then the mean over the samples.

    Invariant to the order of the samples, equivariant to the order of the variables. Its blocks
    are numbered from `first_layer` on.
    """

    def __init__(self, config: ModelConfig, *, first_layer: int) -> None:
        super().__init__()
        e, h = config.embed_dim, config.hidden_dim
        self.lift = nn.Linear(config.channels, e)
        self.blocks = nn.ModuleList(
            TransformerBlock(e, h, config.heads, config.dropout, layer=first_layer + block)
            for block in range(config.embed_blocks)
        )
        self.norm = nn.LayerNorm(e)

    def forward(
        self,
        rows: Tensor,
        query: Tensor,
        *,
        n_obs: Tensor | None = None,
        n_vars: Tensor | None = None,
        precision: Precision | None = None,
        key: Tensor | None = None,
    ) -> Tensor:  # (B, N, d), (B, d, channels - 1)
        of_datum, of_query = self.lift.weight[:, :1], self.lift.weight[:, 1:]
        # the lift of [datum, query] in two shares, as that of the query is the same in all rows
        share = F.linear(query, of_query, self.lift.bias)[:, None]  # (B, 1, d, e)
        x = F.linear(rows[..., None], of_datum) + share  # (B, N, d, e)
        for place, block in enumerate(self.blocks):
            axis = "samples" if place % 2 else "variables"
            x = block(x, axis=axis, n_obs=n_obs, n_vars=n_vars, precision=precision, key=key)
        normed: Tensor = self.norm(x)
        if n_obs is None:
            return normed.mean(dim=1)  # (B, d, e)
        normed = normed.masked_fill(~real(n_obs, normed.shape[1])[:, :, None, None], 0.0)
        return normed.sum(dim=1) / n_obs[:, None, None]


def encode_query(targets: Tensor, values: Tensor, config: ModelConfig) -> Tensor:
    """Encode do(V_t = v) for the channel axis; nothing in it tells which variable a column is.

    Parameters
    ----------
    targets : Tensor, shape (B, d), bool
        The variables that are set.
    values : Tensor, shape (B, d)
        What they are set to, zero elsewhere, in model units.
    config : ModelConfig
        `query` "index": t_j * onehot(i) over `trained_values`; "value": [t_j, t_j * v_j].

    Returns
    -------
    Tensor, shape (B, d, channels - 1)
    """
    mask = targets.to(values.dtype)[..., None]  # (B, d, 1)
    if config.query == "value":
        return torch.cat([mask, mask * values[..., None]], dim=-1)
    # number by number, as a tensor made from them would have to wait for a GPU
    away = torch.stack([(values - v).abs() for v in config.trained_values], dim=-1)  # (B, d, |I|)
    indices = torch.arange(away.shape[-1], device=values.device)
    return mask * (away.argmin(dim=-1, keepdim=True) == indices)
