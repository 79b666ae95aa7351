"""Laws of the noise: drawn once a model and variable, then sampled in every regime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Protocol

import numpy as np

from activa_sim.errors import InputError, check_interval, check_names, check_probability
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


class Noise(Protocol):
    """The noise of M models with d variables, its parameters drawn."""

    @property
    def families(self) -> NDArray[np.str_]:
        """Name of each variable's family, shape (M, d)."""
        ...

    def sample(self, streams: Streams, n: int) -> FloatArray:
        """Draw n numbers a stream: streams (M, d, R) give noise (M, d, R, n)."""
        ...


@dataclass(frozen=True)
class GaussianNoise:
    """N(0, sd^2) for every variable (the paper's "gauss")."""

    sd: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a negative standard deviation."""
        if self.sd < 0.0:
            raise InputError(f"sd is {self.sd}; give a standard deviation of 0 or more")

    def draw(self, streams: Streams, d: int) -> Noise:
        """Give the same law to every model and variable."""
        families = np.full((*streams.shape, d), "gaussian")
        return _OneFamily(families, lambda streams, n: self.sd * streams.normal(n))


@dataclass(frozen=True)
class BetaNoise:
    """Beta(a, b), not centred, with a, b ~ Uniform(low, high) per variable (the paper's "beta")."""

    low: float = 0.5
    high: float = 2.0

    def __post_init__(self) -> None:
        """Refuse parameters at which there is no such law."""
        check_interval(self.low, self.high, least=0.01)

    def draw(self, streams: Streams, d: int) -> Noise:
        """Draw a and b of every model and variable."""
        uniform = streams.at(Site.NOISE_LAW, range(d)).uniform(2)  # (M, d, 2)
        parameters = self.low + (self.high - self.low) * uniform
        a, b = parameters[..., :1], parameters[..., 1:]  # (M, d, 1), the same in all regimes
        families = np.full((*streams.shape, d), "beta")
        return _OneFamily(families, lambda streams, n: _beta(streams, n, a, b))


@dataclass(frozen=True)
class AssortedNoise:
    """A family of zero mean and unit variance, drawn for each variable on its own.

    Parameters
    ----------
    families : tuple of str
        Names from `FAMILIES`.
    first_share : float
        Probability of the first one; the others share the rest equally.
    """

    families: tuple[str, ...] = field(default_factory=lambda: tuple(FAMILIES))
    first_share: float = 0.35

    def __post_init__(self) -> None:
        """Refuse unknown families."""
        check_names("noise family", self.families, FAMILIES)
        check_probability("first_share", self.first_share)

    def draw(self, streams: Streams, d: int) -> Noise:
        """Draw the family of every model and variable, and what shapes it."""
        uniform = streams.at(Site.NOISE_LAW, range(d)).uniform(4)  # (M, d, 4)
        family = choose(uniform[..., 0], len(self.families), self.first_share)
        return _Assorted(np.array(self.families)[family], uniform[..., 1:])


def choose(uniform: FloatArray, n: int, first_share: float) -> NDArray[np.intp]:
    """Turn uniform numbers into one of n choices; the first has a share of its own."""
    shares = np.full(n, (1.0 - first_share) / max(n - 1, 1))
    shares[0] = first_share
    return np.searchsorted(shares.cumsum()[:-1], uniform, side="right")


@dataclass(frozen=True)
class _OneFamily:
    families: NDArray[np.str_]
    draw_numbers: Callable[[Streams, int], FloatArray]

    def sample(self, streams: Streams, n: int) -> FloatArray:
        return self.draw_numbers(streams, n)


@dataclass(frozen=True)
class _Assorted:
    families: NDArray[np.str_]
    shape_numbers: FloatArray  # (M, d, 3) uniform numbers, one law each

    def sample(self, streams: Streams, n: int) -> FloatArray:
        noise = np.empty((*streams.shape, n))
        for name, draw in FAMILIES.items():
            where = np.nonzero(self.families == name)
            if where[0].size:
                noise[where] = draw(streams[where], n, self.shape_numbers[where])
        return noise


# Each draws n numbers a stream, streams (S, R) give (S, R, n), of zero mean and unit variance;
# `shape` (S, 3) holds uniform numbers that fix what else the family leaves open.


def _gaussian(streams: Streams, n: int, _shape: FloatArray) -> FloatArray:
    return streams.normal(n)


def _uniform(streams: Streams, n: int, _shape: FloatArray) -> FloatArray:
    return sqrt(12.0) * (streams.uniform(n) - 0.5)


def _laplace(streams: Streams, n: int, _shape: FloatArray) -> FloatArray:
    centred = streams.uniform(n) - 0.5
    return -np.sign(centred) * np.log1p(-2.0 * np.abs(centred)) / sqrt(2.0)


def _student_t(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """Bailey's (1994) polar method, 4 to 10 degrees of freedom."""
    df = (4.0 + 6.0 * shape[:, 0])[:, None, None]
    radius, angle = np.split(streams.uniform(2 * n).reshape(*streams.shape, n, 2), 2, axis=-1)
    t = np.sqrt(df * (radius[..., 0] ** (-2.0 / df) - 1.0)) * np.cos(2.0 * np.pi * angle[..., 0])
    return t * np.sqrt((df - 2.0) / df)


def _beta_standard(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """Beta with both parameters from 0.5 to 4."""
    a, b = (0.5 + 3.5 * shape[:, k, None] for k in (0, 1))  # (S, 1)
    mean = (a / (a + b))[..., None]
    sd = np.sqrt(a * b / (a + b + 1.0))[..., None] / (a + b)[..., None]
    return (_beta(streams, n, a, b) - mean) / sd


def _gamma(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """Gamma with concentration 1 (exponential) to 4, skewed to either side."""
    concentration = 1.0 + 3.0 * shape[:, 0, None]  # (S, 1)
    drawn = streams.gamma(concentration, n) - concentration[..., None]
    return _side(shape) * drawn / np.sqrt(concentration)[..., None]


def _gumbel(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """Gumbel, skewed to either side."""
    drawn = -np.log(-np.log(streams.uniform(n))) - np.euler_gamma
    return _side(shape) * drawn * sqrt(6.0) / np.pi


def _mixture(streams: Streams, n: int, shape: FloatArray) -> FloatArray:
    """Two Gaussians of equal width, weight 0.2 to 0.8, means 1.5 to 4 widths apart."""
    weight = (0.2 + 0.6 * shape[:, 0])[:, None, None]
    gap = (1.5 + 2.5 * shape[:, 1])[:, None, None]
    second = streams.branch(1).uniform(n) < weight
    sd = np.sqrt(1.0 + weight * (1.0 - weight) * gap**2)
    return (streams.normal(n) + gap * (second - weight)) / sd


def _side(shape: FloatArray) -> FloatArray:
    return np.where(shape[:, 2] < 0.5, -1.0, 1.0)[:, None, None]


def _beta(streams: Streams, n: int, a: FloatArray, b: FloatArray) -> FloatArray:
    first, second = streams.gamma(a, n), streams.branch(1).gamma(b, n)
    return first / (first + second)


FAMILIES: Mapping[str, Callable[[Streams, int, FloatArray], FloatArray]] = {
    "gaussian": _gaussian,
    "uniform": _uniform,
    "laplace": _laplace,
    "student_t": _student_t,
    "beta": _beta_standard,
    "gamma": _gamma,
    "gumbel": _gumbel,
    "mixture": _mixture,
}
