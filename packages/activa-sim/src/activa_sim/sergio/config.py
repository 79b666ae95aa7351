"""What a simulator of gene regulation is made of, and how its parts make data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from activa_sim.errors import InputError, check_names
from activa_sim.rng import Site
from activa_sim.sergio.cells import IndependentCells, TrajectoryCells
from activa_sim.sergio.hubs import HubsAndLeaves
from activa_sim.sergio.kinetics import Kinetics
from activa_sim.sergio.langevin import HalfResponse, Noise, expression
from activa_sim.sergio.modules import NetworkModules
from activa_sim.sergio.perturbations import Perturbation
from activa_sim.sergio.technical import TechnicalNoise
from activa_sim.sergio.whole import WholeNetwork

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

HELD = 1 << 22  # numbers in the trajectories that are held at once


@dataclass(frozen=True)
class SergioConfig:
    """Gene regulation with perturbations, after SERGIO (Dibaeinia & Sinha, Cell Systems 2020).

    Parameters
    ----------
    variables : int
        Genes d.
    graph : NetworkModules, HubsAndLeaves or WholeNetwork
        Who regulates whom.
    kinetics : Kinetics
        How strongly.
    query : Perturbation
        Knock-outs, knock-downs or over-expression.
    cell_types : int
        A sample has cells of all types alike, in random order; they differ in basal rates.
    cells : TrajectoryCells or IndependentCells
        Whether the cells of a type are points of one trajectory or independent.
    half_response : {"per_condition", "wild_type"}
        A target responds by half where its regulator has this mean: the regulator's mean under
        the same perturbation, as in SERGIO, which hides most of a perturbation's indirect
        effects, or its mean in the wild type.
    noise : {"dpd", "sp", "spd"}
        Noise of production and decay apart, of production alone, or of both together.
    technical : TechnicalNoise, optional
        What a sequencer does to the cells; `TECHNICAL` holds four platforms.
    """

    variables: int
    graph: NetworkModules | HubsAndLeaves | WholeNetwork = field(default_factory=NetworkModules)
    kinetics: Kinetics = field(default_factory=Kinetics)
    query: Perturbation = field(default_factory=Perturbation)
    cell_types: int = 5
    cells: TrajectoryCells | IndependentCells = field(default_factory=TrajectoryCells)
    half_response: HalfResponse = "per_condition"
    noise: Noise = "dpd"
    technical: TechnicalNoise | None = None

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        if self.variables < 1 or self.cell_types < 1:
            raise InputError(
                f"{self.variables} variables and {self.cell_types} cell types make no model; "
                "give at least 1"
            )
        check_names("half_response", [self.half_response], get_args(HalfResponse))
        check_names("noise", [self.noise], get_args(Noise))
        self.graph.check(self.variables)
        self.query.check(self.variables)

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for JSON, each part with the name of its law."""
        return {
            "variables": self.variables,
            "graph": self.graph.describe(),
            "kinetics": _described(self.kinetics),
            "query": _described(self.query),
            "cell_types": self.cell_types,
            "cells": _described(self.cells),
            "half_response": self.half_response,
            "noise": self.noise,
            "technical": None if self.technical is None else _described(self.technical),
        }

    def draw(self, streams: Streams, n: int, *, replicate: bool) -> dict[str, Any]:
        """Draw the arrays of a `CausalBatch` of these models, n rows in each condition."""
        d, kinds, each = self.variables, self.cell_types, -(-n // self.cell_types)
        targets = self.query.draw(streams, d)  # (M, Q, d)
        graphs, names = self.graph.draw(streams, d)
        Q, samples = targets.shape[1], 1 + replicate
        wild_type = np.zeros((len(targets), 1, d), dtype=np.bool_)
        perturbed = np.concatenate([wild_type, *[targets] * samples], axis=1)  # (M, R, d)
        rows = np.empty((*perturbed.shape[:2], n, d), dtype=np.float32)
        paths, points = self.cells.paths(each), self.cells.points(1, each)
        size = perturbed.shape[1] * d * kinds * paths * points
        share = max(1, HELD // size)
        for begin in range(0, len(targets), share):
            part = slice(begin, begin + share)
            rows[part] = self._rows(streams[part], graphs[part], perturbed[part], n)
        under_queries = [rows[:, 1 + s * Q : 1 + (s + 1) * Q] for s in range(samples)]
        value = 0.0 if self.query.factor == 0.0 else np.nan
        return {
            "obs": rows[:, 0].copy(),
            "interv": under_queries[0].copy(),
            "targets": targets,
            "values": np.where(targets, np.float32(value), np.float32(np.nan)),
            "graphs": graphs,
            "labels": {"network": names},
            "interv_replicate": under_queries[1].copy() if replicate else None,
        }

    def _rows(
        self, streams: Streams, graphs: BoolArray, perturbed: BoolArray, n: int
    ) -> FloatArray:
        """Draw n cells of all types in random order, in each condition: (M, R, n, d)."""
        R, d = perturbed.shape[1:]
        cells = expression(
            graphs,
            self.kinetics.draw(streams, d, self.cell_types),
            np.where(perturbed, self.query.factor, 1.0),
            streams,
            -(-n // self.cell_types),
            cells=self.cells,
            half_response=self.half_response,
            noise=self.noise,
        )  # (M, d, R, C, N)
        table = np.moveaxis(cells.reshape(*cells.shape[:3], -1), 1, -1)  # (M, R, C N, d)
        if self.technical is not None:
            table = self.technical.counts(streams, np.ascontiguousarray(table))
        words = streams.at(Site.ROW, range(R)).words(table.shape[2])
        order = np.argsort(words, axis=-1, kind="stable")[..., :n, None]
        return np.take_along_axis(table, order, axis=2)


def _described(part: DataclassInstance) -> dict[str, Any]:
    values = asdict(part)
    plain = {name: _listed(value) for name, value in values.items()}
    return {"law": type(part).__name__, **plain}


def _listed(value: Any) -> Any:
    """Turn tuples into lists, as JSON has them."""
    return [_listed(v) for v in value] if isinstance(value, tuple) else value
