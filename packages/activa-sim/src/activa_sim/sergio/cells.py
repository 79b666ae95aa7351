"""Laws of the cells: which points of which trajectories are seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import InputError
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class TrajectoryCells:
    """All cells of a cell type are points of one trajectory, as in SERGIO: autocorrelated.

    A condition draws the same points in time for all genes and cell types, counted from the end
    of each gene's trajectory. Trajectories of regulators are longer and start with those of
    their targets, so a regulator is seen `settling_steps` a level after what it has caused.

    Parameters
    ----------
    steps : int
        Length of the window that cells are drawn from, in time steps a cell.
    settling_steps : int
        Steps before the window, for each level of targets below a gene.
    """

    steps: int = 15
    settling_steps: int = 10

    def __post_init__(self) -> None:
        """Refuse windows without a point."""
        if self.steps < 1 or self.settling_steps < 0:
            raise InputError(
                f"steps is {self.steps} and settling_steps {self.settling_steps}; "
                "give at least 1 and 0"
            )

    def paths(self, _n: int) -> int:
        """Give the number of trajectories of a gene, cell type and condition."""
        return 1

    def points(self, level: int, n: int) -> int:
        """Give the length of a trajectory, its start included."""
        return self.steps * n + self.settling_steps * level

    def window(self, n: int) -> int:
        """Give the number of points at the end that cells are drawn from."""
        return self.steps * n

    def ages(self, streams: Streams, conditions: int, n: int) -> IntArray:
        """Draw how far from the end each cell is, 1 the last point, shape (M, R, N)."""
        words = streams.at(Site.CELL, range(conditions)).words(n).astype(np.uint64)
        return 1 + ((words * np.uint64(self.window(n))) >> np.uint64(32)).astype(np.int64)

    def pick(self, x: FloatArray, ages: IntArray) -> FloatArray:
        """Choose cells (G, R, C, N) from trajectories (T, G, R, C, 1) by their ages (G, R, N)."""
        T, G, R, C, _ = x.shape
        row, condition, kind = (axis[..., None] for axis in np.ogrid[:G, :R, :C])
        return np.asarray(x[T - ages[:, :, None, :], row, condition, kind, 0])


@dataclass(frozen=True)
class IndependentCells:
    """Every cell is the end of a trajectory of its own, all genes at the same time.

    Parameters
    ----------
    steps : int
        Time steps of a trajectory, from the expected steady state on.
    """

    steps: int = 600

    def __post_init__(self) -> None:
        """Refuse trajectories without a step."""
        if self.steps < 1:
            raise InputError(f"steps is {self.steps}; give at least 1")

    def paths(self, n: int) -> int:
        """Give the number of trajectories of a gene, cell type and condition."""
        return n

    def points(self, _level: int, _n: int) -> int:
        """Give the length of a trajectory, its start included."""
        return self.steps + 1

    def window(self, _n: int) -> int:
        """Give the number of points at the end that cells are drawn from."""
        return 1

    def ages(self, streams: Streams, conditions: int, n: int) -> IntArray:
        """Give how far from the end each cell is, 1 the last point, shape (M, R, N)."""
        return np.ones((*streams.shape, conditions, n), dtype=np.int64)

    def pick(self, x: FloatArray, _ages: IntArray) -> FloatArray:
        """Give the ends (G, R, C, N) of trajectories (T, G, R, C, N)."""
        return np.asarray(x[-1])
