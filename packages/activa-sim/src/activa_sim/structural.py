"""From the laws of structural causal models to the arrays of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.columns import (
    graph_columns,
    observed_columns,
    of_queries,
    pair_labels,
    query_columns,
)
from activa_sim.linear_pass import draw_linear
from activa_sim.models import draw_models, draw_queries
from activa_sim.regimes import run_regimes

if TYPE_CHECKING:
    from activa_sim.config import SimulatorConfig
    from activa_sim.rng import Streams


def draw_structural(
    config: SimulatorConfig, streams: Streams, n: int, *, replicate: bool
) -> dict[str, Any]:
    """Draw the arrays of a `CausalBatch` of these models, n rows in each regime."""
    compiled = draw_linear(config, streams, n, replicate=replicate)
    if compiled is not None:
        return compiled
    model, places = draw_models(config, streams)
    queries, order = draw_queries(config, streams, places)
    run = run_regimes(model, queries, streams, n, samples=1 + replicate, coupled=config.coupled)
    interv, *replicates = (query_columns(rows, places, order) for rows in run.under_queries)
    kinds = np.array([law.kind for law in config.query.laws])
    set_only = set(kinds) == {"set"}
    return {
        "obs": observed_columns(run.observed, places),
        "interv": interv,
        "targets": of_queries(queries.targets, places, order),
        "values": of_queries(run.values, places, order).astype(np.float32),
        "graphs": graph_columns(model.graphs, places),
        "kind": None if set_only else kinds[np.take_along_axis(queries.law, order, axis=1)],
        "labels": pair_labels(model.mechanism, model.noise, places) if config.pairs else {},
        "interv_replicate": replicates[0] if replicate else None,
    }
