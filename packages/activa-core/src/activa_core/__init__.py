"""ACTIVA: interventional distributions from observational data alone (arXiv 2503.01290)."""

from activa_core.checkpoint import ModelCard
from activa_core.config import ModelConfig, TrainConfig
from activa_core.effect import InterventionalDistribution
from activa_core.errors import CheckpointError, InputError, TrainingError
from activa_core.mixture import GaussianMixture
from activa_core.predict import Activa, RangeWarning
from activa_core.train import fit

__all__ = [
    "Activa",
    "CheckpointError",
    "GaussianMixture",
    "InputError",
    "InterventionalDistribution",
    "ModelCard",
    "ModelConfig",
    "RangeWarning",
    "TrainConfig",
    "TrainingError",
    "fit",
]
