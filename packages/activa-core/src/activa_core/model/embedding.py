"""h(D, I): a sample and a query become one vector a variable (paper, Sec. 4.1)."""

import torch
from torch import Tensor, nn

from activa_core.config import ModelConfig
from activa_core.model.layers import TransformerBlock

__all__ = ["Embedding", "encode_query"]


class Embedding(nn.Module):
    """Attention over the variables and over the samples in turn, then the mean over the samples.

    Invariant to the order of the samples, equivariant to the order of the variables.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        e = config.embed_dim
        self.lift = nn.Linear(config.channels, e)
        self.blocks = nn.ModuleList(
            TransformerBlock(e, config.hidden_dim, config.heads, config.dropout)
            for _ in range(config.embed_blocks)
        )
        self.norm = nn.LayerNorm(e)

    def forward(self, rows: Tensor, query: Tensor) -> Tensor:  # (B, N, d), (B, d, channels - 1)
        query = query[:, None].expand(-1, rows.shape[1], -1, -1)  # (B, N, d, channels - 1)
        x = self.lift(torch.cat([rows[..., None], query], dim=-1))  # (B, N, d, e)
        for over_variables, over_samples in zip(self.blocks[::2], self.blocks[1::2], strict=True):
            x = over_variables(x)
            x = over_samples(x.transpose(1, 2)).transpose(1, 2)
        embedding: Tensor = self.norm(x).mean(dim=1)  # (B, d, e)
        return embedding


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
    trained = values.new_tensor(config.trained_values)  # (|I|,)
    nearest = (values[..., None] - trained).abs().argmin(dim=-1)  # (B, d)
    return mask * torch.nn.functional.one_hot(nearest, len(trained)).to(values.dtype)
