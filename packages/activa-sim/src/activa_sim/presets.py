"""The data sets by name: the paper's four, the prior of the general models, and gene regulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activa_sim.config import SimulatorConfig
from activa_sim.errors import InputError
from activa_sim.graphs import Pair, PrunedErdosRenyi
from activa_sim.mechanisms import AssortedMechanism, LinearMechanism
from activa_sim.noises import AssortedNoise, BetaNoise, GaussianNoise
from activa_sim.queries import FixedValue, WithinSpread
from activa_sim.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Mapping


def simulator(name: str) -> Simulator:
    """Give the simulator of a preset.

    Parameters
    ----------
    name : str
        "gauss-2", "beta-2", "gauss-8" or "beta-8": linear models with Gaussian or Beta noise,
        do(V_j = 5) for every variable, exactly as in the paper (arXiv 2503.01290).
        "general-2": pairs in either direction or without an edge, linear and nonlinear, with
        assorted noises, of about unit variance, set to values within 3 standard deviations.
        "linear-gaussian-2": the linear ones with Gaussian noise among them, whose direction
        the data do not show.
        "sergio", "sergio-ood": expression of 8 or 11 genes of yeast modules in five types of
        cells, every gene knocked out in turn, with the paper's rates in and out of distribution.
        "sergio-both": modules of yeast or E. coli, whose network must be installed.
        "sergio-iid": independent cells, and half-responses as in the wild type.

    Raises
    ------
    InputError
        If there is no such preset.

    Examples
    --------
    >>> simulator("gauss-8").sample(2, 30).graphs.shape
    (2, 8, 8)
    """
    if name in PRESETS:
        return Simulator(PRESETS[name])
    from activa_sim.sergio.presets import (
        SERGIO_PRESETS,
    )  # not before it is asked for: it takes time

    if name not in SERGIO_PRESETS:
        known = [*PRESETS, *SERGIO_PRESETS]
        raise InputError(f'unknown preset "{name}"; choose one of {", ".join(known)}')
    return Simulator(SERGIO_PRESETS[name])


def _paper(variables: int, noise: GaussianNoise | BetaNoise) -> SimulatorConfig:
    return SimulatorConfig(variables, PrunedErdosRenyi(), LinearMechanism(), noise, FixedValue())


def _pairs(mechanism: AssortedMechanism, noise: AssortedNoise) -> SimulatorConfig:
    return SimulatorConfig(2, Pair(), mechanism, noise, WithinSpread())


PRESETS: Mapping[str, SimulatorConfig] = {
    "gauss-2": _paper(2, GaussianNoise()),
    "beta-2": _paper(2, BetaNoise()),
    "gauss-8": _paper(8, GaussianNoise()),
    "beta-8": _paper(8, BetaNoise()),
    "general-2": _pairs(AssortedMechanism(), AssortedNoise()),
    "linear-gaussian-2": _pairs(
        AssortedMechanism(families=("linear",)), AssortedNoise(families=("gaussian",))
    ),
}
