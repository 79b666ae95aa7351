"""What a simulator of gene regulation is made of, and how its parts make data."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from activa_sim.backend import native
from activa_sim.description import describe
from activa_sim.errors import InputError, check_names
from activa_sim.queries import EachVariable, TargetLaw
from activa_sim.rng import Site
from activa_sim.sergio.cells import IndependentCells, TrajectoryCells
from activa_sim.sergio.hubs import HubsAndLeaves
from activa_sim.sergio.kinetics import Kinetics
from activa_sim.sergio.langevin import HalfResponse, Laws, Noise, expression
from activa_sim.sergio.modules import NetworkModules
from activa_sim.sergio.native import fill_rows
from activa_sim.sergio.perturbations import Perturbation
from activa_sim.sergio.provenance import restore_part
from activa_sim.sergio.technical import TechnicalNoise
from activa_sim.sergio.whole import WholeNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from activa_sim.rng import Streams
    from activa_sim.sergio.networks import Network

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

MAX_STREAMS = 1 << 16  # conditions in cell types that random numbers are counted for
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
    targets : TargetLaw
        Of which genes, by default of each gene in a query of its own.
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
    targets: TargetLaw = field(default_factory=EachVariable)
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
        self.targets.queries(self.variables)

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for JSON, each part with the name of its law."""
        parts = ((f.name, getattr(self, f.name)) for f in fields(self))
        return {n: part.describe() if n == "graph" else describe(part) for n, part in parts}

    @classmethod
    def from_dict(
        cls, description: Mapping[str, Any], *, networks: Sequence[Network] = ()
    ) -> SergioConfig:
        """Give the configuration that `as_dict` described, as batches and their files hold it.

        A network of your own is described by its sum only, so it has to be given again.

        Raises
        ------
        InputError
            If it describes something else, or a network that is not given.
        """
        try:
            return cls(**{name: restore_part(part, networks) for name, part in description.items()})
        except TypeError as error:
            known = ", ".join(f.name for f in fields(cls))
            raise InputError(
                f"this describes no gene regulation ({error}); give {known}"
            ) from error

    def draw(self, streams: Streams, n: int, *, replicate: bool) -> dict[str, Any]:
        """Draw the arrays of a `CausalBatch` of these models, n rows in each condition."""
        d, samples = self.variables, 1 + replicate
        targets = self.targets.draw(streams, d)  # (M, Q, d)
        M, Q, _ = targets.shape
        factor = self.query.draw(streams, Q)
        per_query = np.where(targets, factor[..., None], 1.0)
        if (1 + samples * Q) * self.cell_types > MAX_STREAMS:
            raise InputError(
                f"{Q} queries in {self.cell_types} cell types are too many; ask for fewer"
            )
        factors = np.concatenate([np.ones((M, 1, d)), *[per_query] * samples], axis=1)  # (M, R, d)
        graphs, names = self.graph.draw(streams, d)
        obs = np.empty((M, n, d), dtype=np.float32)
        interv = np.empty((samples, M, Q, n, d), dtype=np.float32)
        share = self._models_at_once(factors[0].size, n)
        for begin in range(0, M, share):
            part = slice(begin, begin + share)
            out = [obs[part, None], *(sample[part] for sample in interv)]
            self._fill(out, streams[part], graphs[part], factors[part], n)
        return {
            "obs": obs,
            "interv": interv[0],
            "targets": targets.copy(),
            "values": np.where(targets, factor[..., None], np.nan).astype(np.float32),
            "graphs": graphs,
            "kind": np.where(factor == 0.0, "set", "scale") if any(self.query.factors) else None,
            "labels": {"network": names},
            "interv_replicate": interv[1] if replicate else None,
        }

    def _models_at_once(self, series: int, n: int) -> int:
        """Give how many models with so many series a cell type fit into the memory."""
        each = -(-n // self.cell_types)
        if native() is not None:  # holds the trajectories of one model at a time
            return max(1, HELD // (series * self.cell_types * each))
        numbers = series * self.cell_types * self.cells.paths(each) * self.cells.points(1, each)
        return max(1, HELD // numbers)

    def _fill(
        self,
        out: list[NDArray[np.float32]],
        streams: Streams,
        graphs: BoolArray,
        factors: FloatArray,
        n: int,
    ) -> None:
        """Draw n cells of all types in random order; arrays (M, ..., n, d) share the conditions."""
        (M, R, d), each, library = factors.shape, -(-n // self.cell_types), native()
        rates = self.kinetics.draw(streams, d, self.cell_types)
        laws: Laws = {
            "cells": self.cells,
            "half_response": self.half_response,
            "noise": self.noise,
        }
        if library is not None and self.technical is None:
            fill_rows(out, library, graphs, rates, factors, streams, each, shuffled=True, **laws)
            return
        table: NDArray[np.float32 | np.float64]  # (M, R, C N, d)
        if library is not None:
            filled = np.empty((M, R, each * self.cell_types, d), dtype=np.float32)
            table, whole = filled, [filled]
            fill_rows(whole, library, graphs, rates, factors, streams, each, shuffled=True, **laws)
        else:
            cells = expression(graphs, rates, factors, streams, each, **laws)  # (M, d, R, C, N)
            table = np.moveaxis(cells.reshape(M, d, R, -1), 1, -1)
            words = streams.at(Site.ROW, range(R)).words(table.shape[2])
            order = np.argsort(words, axis=-1, kind="stable")[..., None]
            table = np.take_along_axis(table, order, axis=2)
        if self.technical is not None:  # all cells matter to it, also those not asked for
            table = self.technical.counts(streams, table)
        begin = 0
        for array in out:
            array[...] = table[:, begin : begin + array.shape[1], :n]
            begin += array.shape[1]
