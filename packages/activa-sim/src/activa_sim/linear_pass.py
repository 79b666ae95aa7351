"""The paper's linear models by compiled code, from random numbers to the arrays of a batch.

What it draws is defined by the laws themselves: graphs, orders of columns and weights are equal,
rows differ by the rounding of their noise, which is float32 here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.backend import instruction_set, native, threads
from activa_sim.graphs import PrunedErdosRenyi
from activa_sim.mechanisms import NO_MECHANISM, LinearMechanism
from activa_sim.noises import BetaNoise, GaussianNoise
from activa_sim.queries import EachVariable, FixedValue

if TYPE_CHECKING:
    from activa_sim.config import SimulatorConfig
    from activa_sim.rng import Streams


def draw_linear(
    config: SimulatorConfig, streams: Streams, n: int, *, replicate: bool
) -> dict[str, Any] | None:
    """Draw the arrays of a `CausalBatch`, or give None where the laws are not the paper's."""
    graph, mechanism, noise, query = config.graph, config.mechanism, config.noise, config.query
    library = native()
    # of exactly these types, as a subclass may draw something else
    if not (
        library is not None
        and type(graph) is PrunedErdosRenyi
        and type(mechanism) is LinearMechanism
        and (type(noise) is GaussianNoise or type(noise) is BetaNoise)
        and type(query) is FixedValue
        and type(config.targets) is EachVariable
        and config.latents is None
        and config.levels is None
        and not config.coupled
    ):
        return None
    beta = isinstance(noise, BetaNoise)
    M, d = len(streams.word1), config.variables
    queries = (M, d, n, d)
    batch: dict[str, Any] = {
        "obs": np.empty((M, n, d), np.float32),
        "interv": np.empty(queries, np.float32),
        "interv_replicate": np.empty(queries, np.float32) if replicate else None,
        "values": np.empty((M, d, d), np.float32),
        "graphs": np.empty((M, d, d), np.bool_),
        "targets": np.empty((M, d, d), np.bool_),
    }
    library.linear(
        streams.key,
        np.ascontiguousarray(streams.word1),
        np.ascontiguousarray(streams.word2),
        edge_below=round(graph.edge_probability * 2.0**32),
        weights=(mechanism.low, mechanism.high),
        beta=beta,
        noise=(noise.low, noise.high) if isinstance(noise, BetaNoise) else (0.0, noise.sd),
        query=(query.value, query.jitter),
        **batch,
        isa=instruction_set(),
        threads=threads(),
    )
    labels = {}
    if config.pairs:
        edge = batch["graphs"].any(axis=(1, 2))
        labels["mechanism"] = np.where(edge, "linear", NO_MECHANISM)
        labels["cause_noise"] = labels["effect_noise"] = np.full(M, "beta" if beta else "gaussian")
    return {**batch, "labels": labels}
