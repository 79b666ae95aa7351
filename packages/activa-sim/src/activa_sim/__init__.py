"""Batched, seedable causal models with interventional truth, for training and evaluation."""

from activa_sim.batch import CausalBatch
from activa_sim.config import SimulatorConfig
from activa_sim.errors import InputError
from activa_sim.presets import PRESETS, simulator
from activa_sim.sergio import SERGIO_PRESETS, SergioConfig, networks
from activa_sim.simulator import Simulator, shard_range
from activa_sim.version import __version__

__all__ = [
    "PRESETS",
    "SERGIO_PRESETS",
    "CausalBatch",
    "InputError",
    "SergioConfig",
    "Simulator",
    "SimulatorConfig",
    "__version__",
    "networks",
    "shard_range",
    "simulator",
]
