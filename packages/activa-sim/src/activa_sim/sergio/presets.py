"""The data sets of gene regulation by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activa_sim.sergio.cells import IndependentCells
from activa_sim.sergio.config import SergioConfig
from activa_sim.sergio.kinetics import Kinetics
from activa_sim.sergio.modules import NetworkModules

if TYPE_CHECKING:
    from collections.abc import Mapping

SERGIO_PRESETS: Mapping[str, SergioConfig] = {
    "sergio": SergioConfig(8),
    "sergio-ood": SergioConfig(
        11,
        kinetics=Kinetics(
            basal=(0.5, 2.0),
            strength=(3.0, 7.0),
            sign=(0.5, 0.5),
            hill=(1.5, 2.5),
            decay=(0.5, 1.5),
            noise_amplitude=(0.5, 1.5),
        ),
    ),
    "sergio-iid": SergioConfig(8, cells=IndependentCells(), half_response="wild_type"),
    "sergio-both": SergioConfig(8, graph=NetworkModules(networks=("yeast", "ecoli"))),
}
