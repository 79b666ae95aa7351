"""Laws of the noise: drawn once a model and variable, then sampled in every regime."""

from activa_sim.noises.assorted import AssortedNoise
from activa_sim.noises.law import Noise, NoiseLaw
from activa_sim.noises.paper import BetaNoise, GaussianNoise
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
