"""The fixed tiles of the Triton kernels: what is compiled ahead of time is what runs."""

from __future__ import annotations

from typing import NamedTuple


class Tile(NamedTuple):
    """Padded sizes of one compiled variant; `full` is rank r >= d, otherwise r < d."""

    full: bool
    rows: int
    dimension: int
    rank: int
    warps: int


# the largest number of rows with which no kernel of the family spills on sm_80 and sm_90
TILES = (
    Tile(full=True, rows=32, dimension=16, rank=16, warps=2),
    Tile(full=True, rows=16, dimension=16, rank=64, warps=4),
    Tile(full=True, rows=16, dimension=32, rank=64, warps=8),
    Tile(full=False, rows=64, dimension=16, rank=16, warps=4),
    Tile(full=False, rows=32, dimension=32, rank=16, warps=8),
    Tile(full=False, rows=32, dimension=32, rank=32, warps=8),
    Tile(full=False, rows=16, dimension=64, rank=16, warps=8),
)


def tile_for(d: int, r: int) -> Tile | None:
    """Return the smallest tile that holds d variables and rank r, or None if none does."""
    for tile in TILES:
        if tile.full == (r >= d) and d <= tile.dimension and r <= tile.rank:
            return tile
    return None
