"""From a configuration and random streams to models with their parameters, and their queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from activa_sim.columns import draw_places
from activa_sim.regimes import Model, Queries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.config import SimulatorConfig
    from activa_sim.rng import Streams

    Places = NDArray[np.intp]  # (M, d): the causal number of the variable in each column
    Order = NDArray[np.intp]  # (M, Q): the number of the query in each place


def draw_models(config: SimulatorConfig, streams: Streams) -> tuple[Model, Places]:
    """Draw all parts of a model but its rows, hidden variables first, and order its columns."""
    d = config.variables
    graphs = config.graph.draw(streams, d)
    if config.latents is not None:
        graphs = config.latents.with_hidden(streams, graphs)
    everything = config.hidden + d
    levels = config.levels
    model = Model(
        graphs=graphs,
        mechanism=config.mechanism.draw(streams, graphs),
        noise=config.noise.draw(streams, everything),
        levels=None if levels is None else levels.draw(streams, everything),
        calibration=0 if levels is None else levels.calibration,
    )
    named = config.graph.places(d)
    if named is None:
        places = draw_places(streams, d)
    else:
        places = np.broadcast_to(np.array(named, dtype=np.intp), (*streams.shape, d))
    return model, config.hidden + places


def draw_queries(
    config: SimulatorConfig, streams: Streams, places: Places
) -> tuple[Queries, Order]:
    """Draw targets and laws of the queries, and order the queries."""
    drawn = config.targets.draw(streams, config.variables)  # (M, Q, d)
    M, Q, _ = drawn.shape
    hidden = np.zeros((M, Q, config.hidden), dtype=np.bool_)
    one_each = config.targets.by_column
    queries = Queries(
        query=config.query,
        targets=np.concatenate([hidden, drawn], axis=2),
        law=config.query.choose(streams, Q),
        one_each=one_each,
    )
    order = places - config.hidden if one_each else np.broadcast_to(np.arange(Q), (M, Q))
    return queries, order
