"""SimulatorConfig: the laws that a simulator composes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from activa_sim.description import check_part, describe, restore
from activa_sim.errors import InputError, whole_number
from activa_sim.graphs import GraphLaw
from activa_sim.latents import Confounders
from activa_sim.levels import Levels
from activa_sim.mechanisms import BandedMechanism, MechanismLaw
from activa_sim.noises import BetaNoise, NoiseLaw
from activa_sim.queries import EachVariable, QueryLaw, TargetLaw
from activa_sim.structural import draw_structural

if TYPE_CHECKING:
    from activa_sim.rng import Streams

REQUIRED = ("variables", "graph", "mechanism", "noise", "query")
OPTIONAL = ("latents", "levels")
KINDS: Mapping[str, type] = {
    "graph": GraphLaw,
    "mechanism": MechanismLaw,
    "noise": NoiseLaw,
    "query": QueryLaw,
    "targets": TargetLaw,
    "latents": Confounders,
    "levels": Levels,
}


@dataclass(frozen=True)
class SimulatorConfig:
    """What a simulator is made of; each part documents its own fields.

    Parameters
    ----------
    variables : int
        Columns of the data, d.
    graph : GraphLaw
        One of `activa_sim.graphs`.
    mechanism : MechanismLaw
        One of `activa_sim.mechanisms`.
    noise : NoiseLaw
        One of `activa_sim.noises`.
    query : QueryLaw
        What queries do to their targets, one of `activa_sim.queries`.
    targets : TargetLaw
        Which variables they do it to, by default each variable in a query of its own.
    latents : Confounders, optional
        Hidden causes, which stand in the truth and not in the data.
    levels : Levels, optional
        Which variables are discretised.
    coupled : bool
        Whether the queries share the observation's noise, row by row (common random numbers):
        a variable that a query does not touch then keeps its rows, bit for bit.

    Raises
    ------
    InputError
        If a part is unknown (the message lists the known ones), or does not fit the others.
    """

    variables: int
    graph: GraphLaw
    mechanism: MechanismLaw
    noise: NoiseLaw
    query: QueryLaw
    targets: TargetLaw = field(default_factory=EachVariable)
    latents: Confounders | None = None
    levels: Levels | None = None
    coupled: bool = False

    def __post_init__(self) -> None:
        """Refuse a number of variables that no graph has, and parts that are none or do not fit."""
        object.__setattr__(self, "variables", whole_number("variables", self.variables))
        for name, kind in KINDS.items():
            if not (name in OPTIONAL and getattr(self, name) is None):
                check_part(name, getattr(self, name), kind)
        if self.variables < 1:
            raise InputError(f"{self.variables} variables make no model; give at least 1")
        self.graph.check(self.variables)
        self.targets.queries(self.variables)
        if self.latents is not None:
            self.latents.check(self.variables)
        if isinstance(self.mechanism, BandedMechanism) and self.mechanism.normalised:
            self._check_unit_variance()

    def draw(self, streams: Streams, n: int, *, replicate: bool) -> dict[str, Any]:
        """Draw the arrays of a `CausalBatch` of these models, n rows in each regime."""
        return draw_structural(self, streams, n, replicate=replicate)

    @property
    def hidden(self) -> int:
        """Number of variables that the data do not show."""
        return 0 if self.latents is None else self.latents.number

    @property
    def pairs(self) -> bool:
        """Whether a model is two variables and nothing else."""
        return self.variables + self.hidden == 2

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for JSON, each part with the name of its law."""
        return {f.name: describe(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> SimulatorConfig:
        """Give the configuration that `as_dict` described, as batches and their files hold it.

        Raises
        ------
        InputError
            If it describes something else, or laws that are not part of this package.
        """
        known = [f.name for f in fields(cls)]
        unknown = [name for name in description if name not in known]
        missing = [name for name in REQUIRED if name not in description]
        if unknown or missing:
            found = f'"{unknown[0]}" is no part' if unknown else f'"{missing[0]}" is missing'
            raise InputError(
                f"this describes no simulator of structural models ({found}); "
                f"give {', '.join(known)}"
            )
        return cls(**{name: restore(part) for name, part in description.items()})

    def _check_unit_variance(self) -> None:
        if isinstance(self.noise, BetaNoise) or getattr(self.noise, "sd", 1.0) != 1.0:
            raise InputError(
                "normalised weights need noise of unit variance; "
                "give one with sd=1, or another mechanism"
            )
