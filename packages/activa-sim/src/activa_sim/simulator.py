"""Simulator: a graph, mechanism, noise and query law, composed and run for many models at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.batch import CausalBatch
from activa_sim.columns import (
    draw_places,
    graph_columns,
    observed_columns,
    pair_labels,
    query_columns,
    query_values,
)
from activa_sim.errors import InputError
from activa_sim.graphs import Pair, PrunedErdosRenyi
from activa_sim.mechanisms import AssortedMechanism, LinearMechanism
from activa_sim.noises import AssortedNoise, BetaNoise, GaussianNoise
from activa_sim.queries import FixedValue, WithinSpread
from activa_sim.regimes import run_regimes
from activa_sim.rng import model_streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class SimulatorConfig:
    """What a simulator is made of; each part documents its own fields."""

    variables: int
    graph: PrunedErdosRenyi | Pair
    mechanism: LinearMechanism | AssortedMechanism
    noise: GaussianNoise | BetaNoise | AssortedNoise
    query: FixedValue | WithinSpread

    def __post_init__(self) -> None:
        """Refuse a number of variables that no graph has."""
        if self.variables < 1:
            raise InputError(f"{self.variables} variables make no model; give at least 1")
        self.graph.check(self.variables)

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for JSON, each part with the name of its law."""
        return {
            "variables": self.variables,
            "graph": _described(self.graph),
            "mechanism": _described(self.mechanism),
            "noise": _described(self.noise),
            "query": _described(self.query),
        }


@dataclass(frozen=True)
class Simulator:
    """Draws causal models and, of each, observational and interventional samples.

    Parameters
    ----------
    config : SimulatorConfig
        The laws; `activa_sim.simulator(name)` gives those of a preset.

    Examples
    --------
    >>> from activa_sim import simulator
    >>> batch = simulator("gauss-2").sample(3, 40, seed=1)
    >>> batch.obs.shape, batch.interv.shape
    ((3, 40, 2), (3, 2, 40, 2))
    """

    config: SimulatorConfig

    def sample(
        self,
        n_models: int,
        n_samples: int,
        *,
        seed: int = 0,
        split: str = "train",
        start: int = 0,
        replicate: bool = False,
    ) -> CausalBatch:
        """Draw models start, start + 1, ... and n_samples rows in each of their regimes.

        A model depends on (seed, split, its index) alone, never on the other models of the call.

        Parameters
        ----------
        n_models, n_samples : int
            M and N, at least 1; the value of a `WithinSpread` query needs 2 rows.
        seed : int
            From 0 to 2**64 - 1.
        split : {"train", "validation", "test"}
            Splits share no random numbers.
        start : int
            Index of the first model.
        replicate : bool
            Whether to add `interv_replicate`, a second, independent interventional sample.

        Returns
        -------
        CausalBatch
            With one query a variable (Q = d).

        Raises
        ------
        InputError
            If a number is out of its range or the split is unknown.
        """
        self._check(n_models, n_samples)
        config, streams = self.config, model_streams(seed, split, start, n_models)
        graphs = config.graph.draw(streams, config.variables)
        mechanism = config.mechanism.draw(streams, graphs)
        noise = config.noise.draw(streams, config.variables)
        run = run_regimes(mechanism, noise, config.query, streams, n_samples, samples=1 + replicate)
        places = draw_places(streams, config.variables)
        interv, *replicates = (query_columns(rows, places) for rows in run.under_queries)
        targets, values = query_values(run.values, places)
        return CausalBatch(
            obs=observed_columns(run.observed, places),
            interv=interv,
            targets=targets,
            values=values,
            graphs=graph_columns(graphs, places),
            labels=pair_labels(mechanism, noise, places) if config.variables == 2 else {},
            interv_replicate=replicates[0] if replicate else None,
            index=np.arange(start, start + n_models, dtype=np.int64),
            config=config.as_dict(),
            seed=seed,
            split=split,
        )

    def stream(
        self,
        batch_size: int,
        n_samples: int,
        *,
        seed: int = 0,
        split: str = "train",
        start_step: int = 0,
    ) -> Iterator[CausalBatch]:
        """Yield batch after batch without end; step s is `sample(..., start=s * batch_size)`."""
        return (
            self.sample(batch_size, n_samples, seed=seed, split=split, start=step * batch_size)
            for step in count(start_step)
        )

    def _check(self, n_models: int, n_samples: int) -> None:
        fewest = self.config.query.fewest_rows
        if n_models < 1 or n_samples < fewest:
            raise InputError(
                f"{n_models} models with {n_samples} rows each were asked for; "
                f"give at least 1 model and {fewest} rows"
            )


def _described(part: DataclassInstance) -> dict[str, Any]:
    values = ((name, list(v) if isinstance(v, tuple) else v) for name, v in asdict(part).items())
    return {"law": type(part).__name__, **dict(values)}
