"""From arrays to what a training step sees: one row a (model, query), as tensors."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from activa_core.errors import InputError

__all__ = ["Batch", "Pairs", "Source", "pairs", "standardise"]


class Batch(Protocol):
    """Samples of M models under Q queries; `activa_sim.CausalBatch` is one."""

    @property
    def obs(self) -> NDArray[np.float32]:
        """Observational samples (M, N, d)."""

    @property
    def interv(self) -> NDArray[np.float32]:
        """Interventional samples (M, Q, N, d)."""

    @property
    def targets(self) -> NDArray[np.bool_]:
        """Variables that a query sets (M, Q, d)."""

    @property
    def values(self) -> NDArray[np.float32]:
        """The value set (M, Q, d), NaN where a variable is not a target."""


class Source(Protocol):
    """Where training gets its data: the batch of a step depends on its number alone."""

    def batches(self, step: int) -> Batch:
        """Return the batch of a step."""


@dataclass(frozen=True)
class Pairs:
    """B training pairs: a data set with a query, and the interventional sample that answers it."""

    obs: Tensor  # (B, N, d)
    targets: Tensor  # (B, d) bool
    values: Tensor  # (B, d), zero where not a target
    interv: Tensor  # (B, N, d)


def pairs(batch: Batch, *, standardised: bool, device: torch.device | str = "cpu") -> Pairs:
    """Lay the queries of all models beneath each other.

    Parameters
    ----------
    batch : Batch
        M models with Q queries each.
    standardised : bool
        Bring each model's columns to zero mean and unit standard deviation *in its observational
        sample*; interventional rows and values move with them.
    device : torch.device or str
        Where the tensors go.

    Returns
    -------
    Pairs
        B = M * Q pairs in float32.

    Raises
    ------
    InputError
        If the shapes of the batch do not belong together.
    """
    (M, N, d), Q = batch.obs.shape, batch.targets.shape[1]
    if batch.interv.shape[:2] != (M, Q) or batch.targets.shape != (M, Q, d):
        raise InputError(
            f"the shapes of obs {batch.obs.shape}, interv {batch.interv.shape} and targets "
            f"{batch.targets.shape} do not belong together; "
            "want (M, N, d), (M, Q, N, d) and (M, Q, d)"
        )

    def tensor(array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    obs, interv = tensor(batch.obs), tensor(batch.interv)
    targets, values = tensor(batch.targets), tensor(batch.values).nan_to_num(nan=0.0)
    if standardised:
        shift, scale = standardise(obs)  # (M, 1, d)
        obs = (obs - shift) / scale
        interv = (interv - shift[:, None]) / scale[:, None]
        values = torch.where(targets, (values - shift) / scale, 0.0)
    obs = obs[:, None].expand(M, Q, N, d)
    return Pairs(*(a.flatten(0, 1) for a in (obs, targets, values, interv)))


def standardise(obs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (n - 1 in the denominator) over the samples of (..., N, d)."""
    return obs.mean(dim=-2, keepdim=True), obs.std(dim=-2, keepdim=True)
