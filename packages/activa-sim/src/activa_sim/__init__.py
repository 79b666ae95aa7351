"""Batched, seedable causal models with interventional truth, for training and evaluation."""

from typing import TYPE_CHECKING, Any

from activa_sim.batch import CausalBatch
from activa_sim.config import SimulatorConfig
from activa_sim.errors import InputError
from activa_sim.presets import PRESETS, simulator
from activa_sim.simulator import Simulator, shard_range
from activa_sim.version import __version__

if TYPE_CHECKING:
    from activa_sim.sergio import SERGIO_PRESETS, SergioConfig, networks

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


def __getattr__(name: str) -> Any:
    """Import gene regulation when it is first asked for, as it takes time."""
    if name in {"SERGIO_PRESETS", "SergioConfig", "networks"}:
        from activa_sim import sergio

        return getattr(sergio, name)
    raise AttributeError(f'module "{__name__}" has no attribute "{name}"')
