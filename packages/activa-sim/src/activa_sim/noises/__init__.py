"""Laws of the noise: drawn once a model and variable, then sampled in every regime."""

from typing import TYPE_CHECKING

from activa_sim.later import later
from activa_sim.noises.assorted import AssortedNoise
from activa_sim.noises.law import Noise, NoiseLaw
from activa_sim.noises.paper import BetaNoise, GaussianNoise

if TYPE_CHECKING:
    from activa_sim.noises.shaped import (
        GumbelNoise,
        LaplaceNoise,
        MixtureNoise,
        StudentTNoise,
        UniformNoise,
    )

__all__ = [
    "AssortedNoise",
    "BetaNoise",
    "GaussianNoise",
    "GumbelNoise",
    "LaplaceNoise",
    "MixtureNoise",
    "Noise",
    "NoiseLaw",
    "StudentTNoise",
    "UniformNoise",
]

__getattr__ = later(
    __name__,
    {
        "GumbelNoise": "shaped",
        "LaplaceNoise": "shaped",
        "MixtureNoise": "shaped",
        "StudentTNoise": "shaped",
        "UniformNoise": "shaped",
    },
)
