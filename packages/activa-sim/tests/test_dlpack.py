"""Batches go to other array libraries without a copy, by DLPack."""

import numpy as np
import pytest
from activa_sim import simulator


def test_arrays_are_shared_and_not_copied() -> None:
    batch = simulator("gauss-8").sample(3, 5, replicate=True)
    for name, array in batch.arrays().items():
        assert np.shares_memory(np.from_dlpack(array), array), name
        assert array.flags["C_CONTIGUOUS"], name


def test_torch_reads_the_same_memory() -> None:
    torch = pytest.importorskip("torch")
    batch = simulator("gauss-8").sample(3, 5)
    for name, array in batch.arrays().items():
        tensor = torch.from_dlpack(array)
        assert tensor.data_ptr() == array.ctypes.data, name
        assert tuple(tensor.shape) == array.shape, name
