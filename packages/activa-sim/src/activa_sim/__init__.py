"""Batched, seedable causal models with interventional truth, for training and evaluation."""

from typing import TYPE_CHECKING

from activa_sim.backend import Backend, backend
from activa_sim.batch import CausalBatch
from activa_sim.config import SimulatorConfig
from activa_sim.errors import InputError
from activa_sim.later import later
from activa_sim.presets import PRESETS, simulator
from activa_sim.simulator import Simulator, shard_range
from activa_sim.version import __version__

if TYPE_CHECKING:
    from activa_sim.diagnostics import Report, report
    from activa_sim.sergio import SERGIO_PRESETS, SergioConfig, networks
    from activa_sim.truth import Truth

__all__ = [
    "PRESETS",
    "SERGIO_PRESETS",
    "Backend",
    "CausalBatch",
    "InputError",
    "Report",
    "SergioConfig",
    "Simulator",
    "SimulatorConfig",
    "Truth",
    "__version__",
    "backend",
    "networks",
    "report",
    "shard_range",
    "simulator",
]

__getattr__ = later(
    __name__,
    {
        "SERGIO_PRESETS": "sergio",
        "SergioConfig": "sergio",
        "networks": "sergio",
        "Report": "diagnostics",
        "report": "diagnostics",
        "Truth": "truth",
    },
)
