"""Training by several processes at once: each takes a share of every batch, all take the same step."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, distributed

__all__ = ["Processes", "joined"]


@dataclass(frozen=True)
class Processes:
    """One process among those of the default group of `torch.distributed`, or alone.

    Weights begin alike and gradients are added up, so weights stay alike: nothing else is sent.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def running(cls) -> Self:
        """Look at what `torch.distributed` was told."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files."""
        return self.rank == 0

    def share(self, n: int) -> range:
        """Places of n that this process takes; shares differ by one at most.

        Examples
        --------
        >>> [list(Processes(rank, 2).share(5)) for rank in (0, 1)]
        [[0, 1], [2, 3, 4]]
        """
        return range(self.rank * n // self.size, (self.rank + 1) * n // self.size)

    def add(self, tensor: Tensor) -> None:
        """Put the sum over all processes into a tensor, the same bits in each."""
        if self.size > 1:
            distributed.all_reduce(tensor)

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether it is so in some process."""
        if self.size == 1:
            return flag
        count = torch.tensor(float(flag), device=device)
        distributed.all_reduce(count)
        return bool(count > 0)

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def joined(device: torch.device) -> Iterator[torch.device]:
    """Join the processes that `torchrun` started, if it did; yields the device of this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        distributed.destroy_process_group()
