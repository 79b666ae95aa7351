"""The fixed tiles of the Triton kernels: what is compiled ahead of time is what runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

UNITS = 16  # a hidden width is a multiple of this, so that neighbours are loaded together
STAGES = 2  # of the loops' pipelines
PROGRAMS = 216  # of a kernel that sums over all tokens: two for each processor of an A100
BLOCK = 512  # columns that one program adds up
PARTIALS = 16  # rows that it loads at a time


class Tile(NamedTuple):
    """Sizes of one compiled variant of the kernels.

    `rows` tokens stand in a tile, and sequences up to that length are packed; `chunk` hidden units
    are computed at a time; `warps` run a program, or `wide_warps` where it reads three matrices;
    `sum_stages` pipeline the sums of the feed-forward's weights and of long sequences' gradients;
    `fused` means that one kernel does a whole block of short sequences.
    """

    width: int
    heads: int
    precision: str
    rows: int
    chunk: int
    warps: int
    wide_warps: int
    sum_stages: int
    fused: bool


# the largest sizes with which no kernel spills on sm_80 and sm_90
TILES = tuple(
    tile
    for heads in (2, 4)
    for tile in (
        Tile(64, heads, "bfloat16", 64, 32, warps=4, wide_warps=8, sum_stages=2, fused=True),
        Tile(64, heads, "float32", 32, 32, warps=8, wide_warps=8, sum_stages=1, fused=False),
    )
)


def refusal(e: int, h: int, heads: int, precision: str) -> str | None:
    """Say why the kernels cannot take a block, or return None if they can."""
    if h % UNITS:
        return f"a hidden width of {h} is no multiple of {UNITS}"
    if _tile(e, heads, precision) is None:
        held = sorted((tile.width, tile.heads) for tile in TILES if tile.precision == precision)
        names = " or ".join(f"{width} with {heads}" for width, heads in held)
        return f"no tile holds a width of {e} with {heads} heads in {precision}, but {names}"
    return None


@dataclass(frozen=True)
class Plan:
    """How many programs of each kernel a call takes; it depends on shapes alone."""

    tile: Tile
    tokens: int
    hidden: int
    length: int  # of a sequence
    sequences: int

    @cached_property
    def long(self) -> bool:
        """Whether no tile holds a sequence."""
        return self.length > self.tile.rows

    @cached_property
    def packs(self) -> int:
        """Tiles of whole sequences."""
        return _ceil(self.sequences, self.tile.rows // self.length)

    @cached_property
    def tiles(self) -> int:
        """Tiles of tokens as they lie in memory."""
        return _ceil(self.tokens, self.tile.rows)

    @cached_property
    def spans(self) -> int:
        """Rows of a tile in a long sequence, for each head."""
        return self.sequences * self.tile.heads * _ceil(self.length, self.tile.rows)

    @cached_property
    def tile_rows(self) -> int:
        """Rows of partial sums where a program takes all columns."""
        return max(1, min(self.tiles, PROGRAMS))

    @cached_property
    def quarter_rows(self) -> int:
        """Rows of partial sums where a program takes one of four matrices."""
        return max(1, min(self.tiles, PROGRAMS // 4))

    @cached_property
    def unit_blocks(self) -> int:
        """Programs that share the hidden units."""
        return _ceil(self.hidden, self.tile.chunk)

    @cached_property
    def unit_rows(self) -> int:
        """Rows of partial sums where a program takes some hidden units."""
        return max(1, min(self.tiles, PROGRAMS // self.unit_blocks))

    @cached_property
    def copy_blocks(self) -> int:
        """Blocks of columns of the four matrices."""
        e, h = self.tile.width, self.hidden
        return sum(_ceil(size, BLOCK) for size in (3 * e * e, e * e, e * h, e * h))

    @cached_property
    def sum_blocks(self) -> int:
        """Blocks of columns of all weights."""
        e, h = self.tile.width, self.hidden
        return self.copy_blocks + sum(_ceil(size, BLOCK) for size in (3 * e, h, *(e,) * 6))


def plan_for(B: int, N: int, d: int, e: int, h: int, heads: int, axis: str, precision: str) -> Plan:
    """Plan a call that `refusal` does not refuse."""
    tile = _tile(e, heads, precision)
    assert tile is not None
    length, sequences = (N, B * d) if axis == "samples" else (d, B * N)
    return Plan(tile, B * N * d, h, length, sequences)


def _tile(e: int, heads: int, precision: str) -> Tile | None:
    for tile in TILES:
        if (tile.width, tile.heads, tile.precision) == (e, heads, precision):
            return tile
    return None


def _ceil(a: int, b: int) -> int:
    return -(-a // b)
