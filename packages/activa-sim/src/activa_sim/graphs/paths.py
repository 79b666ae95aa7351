"""Paths in directed acyclic graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]


def closure(graphs: BoolArray) -> BoolArray:
    """Say between which variables of graphs (M, d, d) there is a path, entry [m, i, j] of i, j."""
    reach = graphs.copy()
    for middle in range(graphs.shape[-1]):
        reach |= reach[:, :, middle, None] & reach[:, middle, None, :]
    return reach
