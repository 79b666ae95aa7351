"""Centred noises of one family, each with one standard deviation and drawn parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from activa_sim.errors import InputError, check_interval, check_names, check_probability
from activa_sim.noises import families
from activa_sim.noises.law import Noise, centred, check_sd
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class UniformNoise:
    """Uniform noise with standard deviation sd, from -sqrt(3) sd to sqrt(3) sd."""

    sd: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a negative standard deviation."""
        check_sd(self.sd)

    def draw(self, streams: Streams, d: int) -> Noise:
        """Give the same law to every model and variable."""
        return centred("uniform", self.sd, (*streams.shape, d), families.uniform)


@dataclass(frozen=True)
class LaplaceNoise:
    """Laplace noise with standard deviation sd (scale sd / sqrt(2))."""

    sd: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a negative standard deviation."""
        check_sd(self.sd)

    def draw(self, streams: Streams, d: int) -> Noise:
        """Give the same law to every model and variable."""
        return centred("laplace", self.sd, (*streams.shape, d), families.laplace)


@dataclass(frozen=True)
class StudentTNoise:
    """Student-t noise with standard deviation sd and df ~ Uniform(low, high) per variable."""

    sd: float = 1.0
    low: float = 4.0
    high: float = 10.0

    def __post_init__(self) -> None:
        """Refuse degrees of freedom at which there is no variance."""
        check_sd(self.sd)
        if self.low <= 2.0:
            raise InputError(f"low is {self.low}; give more than 2 degrees of freedom")
        check_interval(self.low, self.high, least=2.0)

    def draw(self, streams: Streams, d: int) -> Noise:
        """Draw the degrees of freedom of every model and variable."""
        df = _between(streams, d, self.low, self.high)
        shape = (*streams.shape, d)
        return centred("student_t", self.sd, shape, lambda at, n: families.student_t(at, n, df))


@dataclass(frozen=True)
class GumbelNoise:
    """Gumbel noise with standard deviation sd, with its long tail on one side.

    Parameters
    ----------
    sd : float
        Standard deviation.
    tail : {"either", "right", "left"}
        Side of the long tail; "either" draws it for each variable.
    """

    sd: float = 1.0
    tail: Literal["either", "right", "left"] = "either"

    def __post_init__(self) -> None:
        """Refuse a negative standard deviation and unknown sides."""
        check_sd(self.sd)
        check_names("tail", [self.tail], ["either", "right", "left"])

    def draw(self, streams: Streams, d: int) -> Noise:
        """Draw the side of every model and variable."""
        fixed = {"right": 0.0, "left": 1.0}.get(self.tail)
        left = _between(streams, d, 0.0, 1.0) < 0.5 if fixed is None else np.bool_(fixed)
        side = np.where(left, -1.0, 1.0)
        shape = (*streams.shape, d)
        return centred("gumbel", self.sd, shape, lambda at, n: side * families.gumbel(at, n))


@dataclass(frozen=True)
class MixtureNoise:
    """A mixture of two Gaussians of equal width, centred, with standard deviation sd.

    Parameters
    ----------
    sd : float
        Standard deviation of the whole.
    least_weight : float
        The second one's weight is Uniform(least_weight, 1 - least_weight), per variable.
    low, high : float
        Its mean lies Uniform(low, high) widths above the first one's, per variable.
    """

    sd: float = 1.0
    least_weight: float = 0.2
    low: float = 1.5
    high: float = 4.0

    def __post_init__(self) -> None:
        """Refuse weights and distances that are none."""
        check_sd(self.sd)
        check_probability("least_weight", self.least_weight)
        if self.least_weight > 0.5:
            raise InputError(f"least_weight is {self.least_weight}; give at most 0.5")
        check_interval(self.low, self.high, least=0.0)

    def draw(self, streams: Streams, d: int) -> Noise:
        """Draw the weight and distance of every model and variable."""
        weight = _between(streams, d, self.least_weight, 1.0 - self.least_weight)
        gap = _between(streams.branch(1), d, self.low, self.high)
        draw = families.mixture
        shape = (*streams.shape, d)
        return centred("mixture", self.sd, shape, lambda at, n: draw(at, n, weight, gap))


def _between(streams: Streams, d: int, low: float, high: float) -> FloatArray:
    """Draw a parameter of every variable, (M, d, 1, 1), the same in all regimes."""
    return low + (high - low) * streams.at(Site.NOISE_LAW, range(d)).uniform(1)[..., None]
