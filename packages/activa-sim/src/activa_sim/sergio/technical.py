"""Laws of the technical noise: from expression to what a sequencer counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.backend import native
from activa_sim.errors import InputError, check_probability
from activa_sim.rng import Site
from activa_sim.sergio.native import counts
from activa_sim.sergio.poisson import poisson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class TechnicalNoise:
    """Outlier genes, library sizes, dropouts and counts, in this order, condition by condition.

    Where several numbers are given, a model takes one of them.

    Parameters
    ----------
    outlier_probability : float
        A gene's expression in all cells of a condition is multiplied with this probability,
    outlier_mean, outlier_sd : tuple of float, float
        by a log-normal number with this mean and standard deviation of the logarithm.
    library_mean, library_sd : tuple of float
        The genes of a cell are scaled to add up to a log-normal number.
    dropout_shape, dropout_percentile : float, tuple of float
        An entry x stays with probability 1 / (1 + exp(-shape (y - y0))), y = log(1 + x), where
        y0 is this percentile of the condition's y; else it becomes 0.
    """

    outlier_probability: float
    outlier_mean: tuple[float, ...]
    outlier_sd: float
    library_mean: tuple[float, ...]
    library_sd: tuple[float, ...]
    dropout_shape: float
    dropout_percentile: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is no probability, percentile or deviation, and library sizes not counted."""
        check_probability("outlier_probability", self.outlier_probability)
        for name in ("outlier_mean", "library_mean", "library_sd", "dropout_percentile"):
            if not getattr(self, name):
                raise InputError(f"{name} is empty; give one or more numbers")
        if not (self.outlier_sd >= 0.0 and min(self.library_sd) >= 0.0):
            raise InputError("a standard deviation is negative; give 0 or more")
        if not all(0.0 <= p <= 100.0 for p in self.dropout_percentile):
            raise InputError(f"dropout_percentile is {self.dropout_percentile}; give 0 to 100")

    def counts(
        self, streams: Streams, cells: NDArray[np.float32 | np.float64]
    ) -> NDArray[np.float32 | np.float64]:
        """Count molecules in cells (M, R, K, d) of R conditions, zeros staying zeros."""
        _, R, K, d = cells.shape
        choice = streams.at(Site.TECHNICAL).uniform(4)
        lists = self.outlier_mean, self.library_mean, self.library_sd, self.dropout_percentile
        choices = np.stack(
            [
                np.array(numbers)[(choice[:, place] * len(numbers)).astype(np.intp)]
                for place, numbers in enumerate(lists)
            ],
            axis=1,
        )  # (M, 4)
        library = native()
        if library is not None:
            return counts(library, self, choices, streams, cells)
        outlier_mean, library_mean, library_sd, percentile = choices.T[..., None]  # (M, 1)

        at = streams.at(Site.OUTLIER, range(R))
        factor = np.exp(outlier_mean[..., None] + self.outlier_sd * at.branch(1).normal(d))
        outlier = at.uniform(d) < self.outlier_probability  # (M, R, d)
        cells = cells * np.where(outlier, factor, 1.0)[:, :, None]

        normal = streams.at(Site.LIBRARY, range(R)).normal(K)  # (M, R, K)
        size = np.exp(library_mean[..., None] + library_sd[..., None] * normal)
        total = np.zeros_like(size)
        for j in range(d):
            total += cells[..., j]
        cells *= np.divide(size, total, out=np.zeros_like(size), where=total > 0.0)[..., None]

        y = np.log1p(cells).reshape(-1, R, K * d)
        low = _percentile(y, percentile)  # (M, R)
        stays = 1.0 / (1.0 + np.exp(-self.dropout_shape * (y - low[..., None])))
        kept = streams.at(Site.DROPOUT, range(R)).uniform(K * d) < stays
        mean = np.where(kept, cells.reshape(y.shape), 0.0)
        return poisson(streams.at(Site.COUNT, range(R)), mean).reshape(cells.shape)


TECHNICAL: Mapping[str, TechnicalNoise] = {
    "10x-chromium": TechnicalNoise(
        0.01, (3.0, 3.0, 5.0), 1.0, (6.0, 6.0, 4.5), (0.3, 0.4, 0.7), 8.0, (74.0, 82.0, 45.0)
    ),
    "illumina": TechnicalNoise(0.01, (0.8,), 1.0, (7.0,), (0.4,), 8.0, (80.0,)),
    "drop-seq": TechnicalNoise(0.01, (3.0,), 1.0, (4.4,), (0.8,), 8.0, (85.0,)),
    "smart-seq": TechnicalNoise(0.01, (4.5,), 1.0, (10.8,), (0.55,), 2.0, (92.0,)),
}


def _percentile(numbers: FloatArray, percentile: FloatArray) -> FloatArray:
    """Percentile (M, 1) of the last axis of (M, R, n), between neighbours in proportion."""
    ordered = np.sort(numbers, axis=-1)
    place = percentile / 100.0 * (numbers.shape[-1] - 1)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, numbers.shape[-1] - 1)
    models, conditions = np.ogrid[: numbers.shape[0], : numbers.shape[1]]
    low, high = ordered[models, conditions, below], ordered[models, conditions, above]
    return np.asarray(low + (place - below) * (high - low))
