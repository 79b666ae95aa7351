"""Piecewise constant functions: random decision trees, of which a threshold is the smallest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from activa_sim.errors import InputError
from activa_sim.mechanisms.scaled import CauseFunction, ScaledLaw
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

REACH = 1.0  # thresholds stay within so many standard deviations of the cause


@dataclass(frozen=True)
class TreeMechanism(ScaledLaw):
    """f a sum of trees that ask one question on each level, of a random cause.

    Parameters
    ----------
    depth : int
        Questions of a tree: it has 2**depth leaves with values from N(0, 1); at 1 it is a
        threshold.
    trees : int
        Number of trees.
    """

    family: ClassVar[str] = "tree"

    depth: int = 2
    trees: int = 1

    def __post_init__(self) -> None:
        """Refuse what is no tree."""
        super().__post_init__()
        if not 1 <= self.depth <= 10:
            raise InputError(f"depth is {self.depth}; give 1 to 10 levels")
        if self.trees < 1:
            raise InputError(f"trees is {self.trees}; give at least 1")

    def function(self, streams: Streams, graphs: BoolArray) -> CauseFunction:
        """Draw the questions and leaves of every variable."""
        d = graphs.shape[-1]
        at = streams.at(Site.MECHANISM, range(d), range(self.trees))
        uniform = at.uniform(2 * self.depth)  # (M, d, T, 2 L)
        which, where = uniform[..., : self.depth], uniform[..., self.depth :]
        parents = graphs.sum(axis=1)[:, :, None, None]  # (M, d, 1, 1)
        causes_first = np.argsort(~graphs, axis=1, kind="stable").swapaxes(1, 2)  # (M, d, d)
        rank = (which * parents).astype(np.intp).reshape(*which.shape[:2], -1)
        return _Trees(
            causes=np.take_along_axis(causes_first, rank, axis=2).reshape(which.shape),
            thresholds=REACH * (2.0 * where - 1.0),
            leaves=at.branch(1).normal(2**self.depth),
        )


@dataclass(frozen=True)
class _Trees:
    causes: NDArray[np.intp]  # (M, d, T, L)
    thresholds: FloatArray  # (M, d, T, L)
    leaves: FloatArray  # (M, d, T, 2 ** L)

    def signal(self, j: int, causes: FloatArray) -> FloatArray:
        models = np.arange(len(causes))
        total = np.zeros((len(causes), causes.shape[-1]))
        for tree in range(self.causes.shape[2]):
            leaf = np.zeros(total.shape, dtype=np.intp)
            for level in range(self.causes.shape[3]):
                # without a cause the answer is never used, but the number may not exist yet
                asked = causes[models, np.minimum(self.causes[:, j, tree, level], j - 1)]
                leaf = 2 * leaf + (asked > self.thresholds[:, j, tree, level, None])
            total += np.take_along_axis(self.leaves[:, j, tree], leaf, axis=1)
        return total
