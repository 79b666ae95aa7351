"""Which columns are reflected, so that tables that differ by reflections look alike (our option)."""

import torch
from torch import Tensor

from activa_core.config import OrientedBy

__all__ = ["orientation"]


def orientation(obs: Tensor, targets: Tensor, values: Tensor, *, by: OrientedBy) -> Tensor:
    """Signs (..., d) that reflect columns: a law reflected is as likely as the law.

    By the query: a target so that its value is not below its mean, another column so that it does
    not fall while the targets, added up, rise.

    By the data, for all queries alike: none falls with the leading direction. That is the one in
    which the data spread most, or close to it (three steps of the power method from the column with
    which the others move most), and along it the samples' skewness is not negative.

    Tables that differ by reflections alone have the same columns afterwards.

    Parameters
    ----------
    obs : Tensor, shape (..., N, d)
        Columns of mean zero; padding is zero.
    targets : Tensor, shape (..., d), bool
    values : Tensor, shape (..., d)
        Zero where not a target.
    by : "query" or "data"
        What decides; the data alone look at neither targets nor values.
    """
    falls = _falls_with_leading(obs) if by == "data" else _falls_with_targets(obs, targets, values)
    return torch.where(falls, -1.0, 1.0).to(obs)


def _falls_with_targets(obs: Tensor, targets: Tensor, values: Tensor) -> Tensor:
    of_targets = torch.where(values < 0, -1.0, 1.0) * targets  # (..., d)
    together = (obs * of_targets[..., None, :]).sum(dim=-1, keepdim=True)  # (..., N, 1)
    falls = (obs * together).sum(dim=-2) < 0  # (..., d)
    return torch.where(targets, values < 0, falls)


def _falls_with_leading(obs: Tensor) -> Tensor:
    together = obs.mT @ obs / obs.shape[-2]  # (..., d, d)
    first = together.square().sum(dim=-1).argmax(dim=-1)[..., None, None]  # (..., 1, 1)
    leading = together.take_along_dim(first, dim=-1)  # (..., d, 1)
    for _ in range(3):
        leading = together @ leading
    leading = leading / leading.abs().amax(dim=-2, keepdim=True).clamp(min=1e-30)
    skewness = (obs @ leading).pow(3).sum(dim=-2, keepdim=True)  # (..., 1, 1)
    return (leading * skewness < 0).squeeze(-1)
