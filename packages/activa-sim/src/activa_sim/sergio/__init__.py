"""Gene regulation with perturbations, after SERGIO (Dibaeinia & Sinha, Cell Systems 2020)."""

from activa_sim.sergio import networks
from activa_sim.sergio.cells import IndependentCells, TrajectoryCells
from activa_sim.sergio.config import SergioConfig
from activa_sim.sergio.hubs import HubsAndLeaves
from activa_sim.sergio.kinetics import Kinetics
from activa_sim.sergio.modules import NetworkModules
from activa_sim.sergio.networks import Network
from activa_sim.sergio.perturbations import GivenTargets, Perturbation, SomeVariables
from activa_sim.sergio.presets import SERGIO_PRESETS
from activa_sim.sergio.technical import TECHNICAL, TechnicalNoise
from activa_sim.sergio.whole import WholeNetwork

__all__ = [
    "SERGIO_PRESETS",
    "TECHNICAL",
    "GivenTargets",
    "HubsAndLeaves",
    "IndependentCells",
    "Kinetics",
    "Network",
    "NetworkModules",
    "Perturbation",
    "SergioConfig",
    "SomeVariables",
    "TechnicalNoise",
    "TrajectoryCells",
    "WholeNetwork",
    "networks",
]
