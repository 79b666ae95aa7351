"""The fixed tiles of the Triton kernels: what is compiled ahead of time is what runs."""

from __future__ import annotations

from typing import NamedTuple


class Tile(NamedTuple):
    """Rows of a program, and rows of the other sample that it meets at once."""

    rows: int
    columns: int
    warps: int


# the largest with which no kernel of the family spills on sm_80 and sm_90
SMALL = Tile(rows=16, columns=16, warps=1)  # pairs of a few dozen rows waste little of it
LARGE = Tile(rows=64, columns=32, warps=8)
TILES = (SMALL, LARGE)
LINE = Tile(rows=32, columns=32, warps=4)  # sorted points: each meets its neighbours only
WIDTH = 16  # variables whose gradients a program holds; more take more programs


def tile_for(n: int, m: int) -> Tile:
    """Return the tile for pairs of n and m rows."""
    return SMALL if max(n, m) <= 64 else LARGE
