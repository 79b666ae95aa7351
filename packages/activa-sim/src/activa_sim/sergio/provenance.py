"""From the description of a configuration, as batches carry it, back to its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from activa_sim.description import LAW, restore
from activa_sim.errors import InputError
from activa_sim.sergio.cells import IndependentCells, TrajectoryCells
from activa_sim.sergio.hubs import HubsAndLeaves
from activa_sim.sergio.kinetics import Kinetics
from activa_sim.sergio.modules import NetworkModules
from activa_sim.sergio.perturbations import GivenTargets, Perturbation, SomeVariables
from activa_sim.sergio.technical import TechnicalNoise
from activa_sim.sergio.whole import WholeNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from activa_sim.sergio.networks import Network

OWN: Mapping[str, type] = {
    law.__name__: law
    for law in (
        *(NetworkModules, HubsAndLeaves, WholeNetwork),
        *(TrajectoryCells, IndependentCells),
        *(Perturbation, SomeVariables, GivenTargets),
        *(Kinetics, TechnicalNoise),
    )
}


def restore_part(described: Any, networks: Sequence[Network]) -> Any:
    """Give a part of a configuration from its description, and the networks that it names.

    Raises
    ------
    InputError
        If a law is unknown here or has other fields, or a network is not among those given.
    """
    if isinstance(described, list):
        return tuple(restore_part(item, networks) for item in described)
    if not isinstance(described, dict):
        return described
    if LAW not in described:
        return _network(described, networks)
    name = described[LAW]
    if name not in OWN:
        return restore(described)
    parts = {key: restore_part(v, networks) for key, v in described.items() if key != LAW}
    try:
        return OWN[name](**parts)
    except TypeError as error:
        raise InputError(f"{name} has other fields ({error}); give what as_dict gave") from error


def _network(described: Mapping[str, Any], networks: Sequence[Network]) -> str | Network:
    if "file_sha256" in described:
        return str(described["name"])
    for network in networks:
        if network.describe() == described:
            return network
    raise InputError(
        f'the network "{described.get("name")}" is not among those given; '
        "give it in networks, as it was"
    )
