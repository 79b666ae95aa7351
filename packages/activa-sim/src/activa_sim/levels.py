"""Discretised columns: variables that take a few levels, also as causes and as targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import InputError, check_probability
from activa_sim.mechanisms.calibration import check_calibration
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """Some variables are cut at their quantiles and take the median of each part.

    Causes pass on their levels, not what they were cut from, and a target is set to the level of
    its value. The quantiles are those of a calibration sample of the variable.

    Parameters
    ----------
    share : float
        Probability that a variable is discretised.
    fewest, most : int
        Its number of levels is uniform in fewest, ..., most.
    calibration : int
        Rows of the calibration sample.
    """

    share: float = 0.3
    fewest: int = 2
    most: int = 8
    calibration: int = 256

    def __post_init__(self) -> None:
        """Refuse numbers of levels that are none."""
        check_probability("share", self.share)
        if not 2 <= self.fewest <= self.most:
            raise InputError(
                f"fewest is {self.fewest} and most is {self.most}; give 2 <= fewest <= most"
            )
        check_calibration(self.calibration)

    def draw(self, streams: Streams, d: int) -> NDArray[np.intp]:
        """Draw the number of levels of each variable, (M, d); 0 where it stays continuous."""
        uniform = streams.at(Site.LEVELS, range(d)).uniform(2)  # (M, d, 2)
        number = self.fewest + (uniform[..., 1] * (self.most - self.fewest + 1)).astype(np.intp)
        return np.where(uniform[..., 0] < self.share, number, 0)


@dataclass(frozen=True)
class Scale:
    """The levels of one variable in M models; a continuous variable has none."""

    edges: FloatArray  # (M, most - 1), infinite beyond the last
    values: FloatArray  # (M, most)
    discrete: NDArray[np.bool_]  # (M,)

    @classmethod
    def of(cls, number: NDArray[np.intp], seen: FloatArray) -> Scale:
        """Cut rows (M, calibration) at quantiles into so many levels (M,), 0 for none."""
        most = max(int(number.max(initial=0)), 1)
        ordered = np.sort(seen, axis=1)
        halves = np.arange(1, 2 * most) / (2.0 * np.maximum(number, 1)[:, None])  # (M, 2 most - 1)
        within = halves < 1.0
        place = np.minimum(halves * seen.shape[1], seen.shape[1] - 1).astype(np.intp)
        quantiles = np.take_along_axis(ordered, place, axis=1)
        edges = np.where(within[:, 1::2], quantiles[:, 1::2], np.inf)
        return cls(edges, quantiles[:, ::2], number > 0)

    def cut(self, rows: FloatArray) -> FloatArray:
        """Bring rows of models (M, N) to their levels."""
        level = np.zeros(rows.shape, dtype=np.intp)
        for k in range(self.edges.shape[1]):
            level += rows >= self.edges[:, k, None]
        cut = np.take_along_axis(self.values, level, axis=1)
        return np.where(self.discrete[:, None], cut, rows)
