"""Polynomials of all causes, products of two causes included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from activa_sim.errors import InputError
from activa_sim.mechanisms.functions import within_reach
from activa_sim.mechanisms.scaled import CauseFunction, ScaledLaw
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class PolynomialMechanism(ScaledLaw):
    """f(x) = sum_ip a_ip x_i^p / p! + sum_{i<k} c_ik x_i x_k with a, c ~ N(0, 1).

    Causes further than 4 standard deviations from their mean count as 4: a power would turn one
    far row into the whole scale.

    Parameters
    ----------
    degree : int
        Highest power; at 1 there are no products.
    """

    family: ClassVar[str] = "polynomial"

    degree: int = 3

    def __post_init__(self) -> None:
        """Refuse degrees that are none."""
        super().__post_init__()
        if not 1 <= self.degree <= 6:
            raise InputError(f"degree is {self.degree}; give 1 to 6")

    def function(self, streams: Streams, graphs: BoolArray) -> CauseFunction:
        """Draw the coefficients of every variable."""
        d = graphs.shape[-1]
        edges = graphs.swapaxes(1, 2)  # (M, effect, cause)
        at = streams.at(Site.MECHANISM, range(d), range(d))
        factorials = np.cumprod(np.arange(1, self.degree + 1, dtype=np.float64))
        products = at.branch(1).normal(d) * (edges[..., None] & edges[:, :, None])
        return _Polynomial(
            powers=at.normal(self.degree) / factorials * edges[..., None],
            products=products if self.degree > 1 else np.zeros_like(products),
        )


@dataclass(frozen=True)
class _Polynomial:
    powers: FloatArray  # (M, d, d, degree), entry [m, j, i, p - 1]
    products: FloatArray  # (M, d, d, d), entry [m, j, i, k], read where i < k

    def signal(self, j: int, causes: FloatArray) -> FloatArray:
        x = within_reach(causes)
        total = np.zeros((len(x), x.shape[-1]))
        for i in range(j):
            term = np.zeros_like(total)
            for power in reversed(range(self.powers.shape[-1])):
                term = (term + self.powers[:, j, i, power, None]) * x[:, i]
            for k in range(i + 1, j):
                term += self.products[:, j, i, k, None] * x[:, i] * x[:, k]
            total += term
        return total
