"""From arrays to what a training step sees: one row a (model, query), as tensors."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from activa_core.config import OrientedBy
from activa_core.errors import InputError
from activa_core.orientation import orientation

__all__ = [
    "Batch",
    "Pairs",
    "SharedSource",
    "Source",
    "pairs",
    "real",
    "standardise",
    "to_device",
]


class Batch(Protocol):
    """Samples of M models under Q queries; `activa_sim.CausalBatch` is one.

    A ragged batch also has `n_obs` or `n_vars`, int arrays (M,): the rows (of `obs` and of every
    sample in `interv`) and the variables of each model. What stands beyond them is padding.
    What a query does may stand in `kind`, str (M, Q): only "set" is understood.
    """

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


@runtime_checkable
class SharedSource(Protocol):
    """A source that can make a part of a batch, so that several processes share the work."""

    def models(self, step: int) -> int:
        """Return how many models the batch of a step has."""
        ...

    def part(self, step: int, share: range) -> Batch:
        """Return the models at these places of the batch of a step."""
        ...


@dataclass(frozen=True)
class Pairs:
    """B training pairs: a data set with a query, and the interventional sample that answers it.

    Padding stands at the end and holds zeros.
    """

    obs: Tensor  # (B, N, d)
    targets: Tensor  # (B, d) bool
    values: Tensor  # (B, d), zero where not a target
    interv: Tensor  # (B, N, d)
    n_obs: Tensor | None = None  # (B,) int64, the real rows of obs; None: all
    n_interv: Tensor | None = None  # (B,) of interv
    n_vars: Tensor | None = None  # (B,) the real variables
    # (B, 2, d), mean and standard deviation that obs was freed of; of a reflected column, minus it
    units: Tensor | None = None
    queries: int = 1  # as many pairs in a row share one obs

    def __len__(self) -> int:
        return len(self.obs)

    def __getitem__(self, part: slice) -> "Pairs":
        """Some of the pairs; those of one data set stay together."""
        return self.map(lambda tensor: tensor[part])

    @property
    def padding(self) -> Tensor:
        """Variables that are none, (B, d) bool."""
        if self.n_vars is None:
            return torch.zeros_like(self.targets)
        return ~real(self.n_vars, self.targets.shape[1])

    @property
    def rows(self) -> Tensor | int:
        """Interventional rows of each pair, (B,), or of every pair."""
        return self.interv.shape[1] if self.n_interv is None else self.n_interv.to(self.obs)

    def map(self, change: Callable[[Tensor], Tensor]) -> "Pairs":
        """Return the pairs with each tensor changed."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        changed: dict[str, Any] = {
            name: change(value) for name, value in given.items() if isinstance(value, Tensor)
        }
        return replace(self, **changed)


def pairs(
    batch: Batch,
    *,
    standardised: bool,
    oriented: OrientedBy | None = None,
    interv_rows: int | None = None,
    device: torch.device | str = "cpu",
) -> Pairs:
    """Lay the queries of all models beneath each other.

    Parameters
    ----------
    batch : Batch
        M models with Q queries each.
    standardised : bool
        Bring each model's columns to zero mean and unit standard deviation *in its observational
        sample*; interventional rows and values move with them.
    oriented : "query" or "data", optional
        Reflect the columns by their `orientation` (standardised ones only).
    interv_rows : int, optional
        Leave out the interventional rows beyond as many.
    device : torch.device or str
        Where the tensors go.

    Returns
    -------
    Pairs
        B = M * Q pairs in the floating-point type of the batch.

    Raises
    ------
    InputError
        If the shapes of the batch do not belong together, the sizes of a ragged one do not fit, or
        a query does something else than set its targets to values.
    """
    (M, N, d), Q = batch.obs.shape, batch.targets.shape[1]
    if batch.interv.shape[:2] != (M, Q) or batch.targets.shape != (M, Q, d):
        raise InputError(
            f"the shapes of obs {batch.obs.shape}, interv {batch.interv.shape} and targets "
            f"{batch.targets.shape} do not belong together; "
            "want (M, N, d), (M, Q, N, d) and (M, Q, d)"
        )
    kind = getattr(batch, "kind", None)
    if kind is not None and not (np.asarray(kind) == "set").all():
        other = ", ".join(sorted(set(np.unique(kind).tolist()) - {"set"}))
        raise InputError(f"the batch has queries of the kind {other}; give those that set a value")
    n_obs = _sizes(batch, "n_obs", M, 2 if standardised else 1, N)
    n_vars = _sizes(batch, "n_vars", M, 1, d)
    if n_vars is not None and (batch.targets & (np.arange(d) >= n_vars[:, None, None])).any():
        raise InputError("a query sets a variable beyond its model's n_vars; set real ones only")

    def tensor(array: NDArray[Any]) -> Tensor:
        return to_device(torch.from_numpy(np.ascontiguousarray(array)), device)

    obs, interv = tensor(batch.obs), tensor(batch.interv[:, :, :interv_rows])
    targets, values = tensor(batch.targets), tensor(batch.values).nan_to_num(nan=0.0)
    rows, columns = (None if n is None else tensor(n) for n in (n_obs, n_vars))  # (M,)
    units = None
    if standardised:
        shift, scale = standardise(obs, rows)  # (M, 1, d)
        obs = (obs - shift) / scale
        interv = (interv - shift[:, None]) / scale[:, None]
        values = torch.where(targets, (values - shift) / scale, 0.0)
        units = torch.stack([shift, scale], dim=2).expand(M, Q, 2, d)
    interv_n = None
    if rows is not None:
        interv_n = rows.clamp(max=interv.shape[2])
        obs = obs.masked_fill(~real(rows, N)[..., None], 0.0)
        interv = interv.masked_fill(~real(interv_n, interv.shape[2])[:, None, :, None], 0.0)
    if columns is not None:
        padding = ~real(columns, d)[:, None]  # (M, 1, d)
        obs, values = obs.masked_fill(padding, 0.0), values.masked_fill(padding, 0.0)
        interv = interv.masked_fill(padding[:, None], 0.0)
        if units is not None:
            units = units.masked_fill(padding[:, None], 1.0)
    of_obs, of_interv, of_vars = (
        None if n is None else n.repeat_interleave(Q) for n in (rows, interv_n, columns)
    )
    obs = obs[:, None].expand(M, Q, N, d)
    if oriented is not None:
        sign = orientation(obs[:, :1], targets, values, by=oriented)  # (M, Q or 1, d)
        obs, interv, values = obs * sign[:, :, None], interv * sign[:, :, None], values * sign
        if units is not None:
            units = torch.stack([units[:, :, 0], units[:, :, 1] * sign], dim=2)
    return Pairs(
        obs=obs.flatten(0, 1),
        targets=targets.flatten(0, 1),
        values=values.flatten(0, 1),
        interv=interv.flatten(0, 1),
        n_obs=of_obs,
        n_interv=of_interv,
        n_vars=of_vars,
        units=None if units is None else units.flatten(0, 1),
        queries=Q,
    )


def standardise(obs: Tensor, n_obs: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (n - 1 in the denominator) over the samples of (..., N, d).

    With `n_obs` (M,), over the first samples of each of (M, N, d). A constant column has a scale
    of one.
    """
    if n_obs is None:
        scale = obs.std(dim=-2, keepdim=True)
        return obs.mean(dim=-2, keepdim=True), scale.where(scale > 0, 1.0)
    padding, n = ~real(n_obs, obs.shape[1])[..., None], n_obs[:, None, None]
    mean = obs.masked_fill(padding, 0.0).sum(dim=-2, keepdim=True) / n
    square = (obs - mean).masked_fill(padding, 0.0).square().sum(dim=-2, keepdim=True)
    scale = (square / (n - 1)).sqrt()
    return mean, scale.where(scale > 0, 1.0)


def to_device(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Tensor on a device; the program does not wait until it has arrived."""
    if torch.device(device).type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def real(n: Tensor, size: int) -> Tensor:
    """Whether a place is one of the first n, (B, size) for n (B,)."""
    return torch.arange(size, device=n.device) < n[:, None]


def _sizes(
    batch: Batch, name: str, models: int, fewest: int, most: int
) -> NDArray[np.int64] | None:
    """Rows or variables of each model of a ragged batch."""
    given = getattr(batch, name, None)
    if given is None:
        return None
    sizes = np.asarray(given)
    if sizes.shape != (models,) or not ((fewest <= sizes) & (sizes <= most)).all():
        raise InputError(
            f"{name} must give each of {models} models a number from {fewest} to {most}, "
            f"got {np.array2string(sizes, threshold=8)}"
        )
    return sizes.astype(np.int64)
