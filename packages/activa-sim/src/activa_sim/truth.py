"""Truth: what is known of the models behind a batch, drawn again from what the batch carries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.affine import affine, is_affine
from activa_sim.columns import graph_columns, of_queries
from activa_sim.config import SimulatorConfig
from activa_sim.errors import InputError
from activa_sim.graphs.paths import closure
from activa_sim.models import draw_models, draw_queries
from activa_sim.moments import Moments, estimated_moments, linear_moments
from activa_sim.rng import numbered_streams

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.batch import CausalBatch
    from activa_sim.mechanisms import Mechanism
    from activa_sim.noises import Noise
    from activa_sim.regimes import Queries
    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    Places = NDArray[np.intp]


@dataclass(frozen=True)
class Truth:
    """The M models of a batch with d columns and H hidden variables.

    Attributes
    ----------
    graphs : ndarray of bool, shape (M, d + H, d + H)
        graphs[m, i, j] says i -> j; the columns come first, then the hidden variables.
    weights : ndarray, shape (M, d + H, d + H), or None
        Entry [m, i, j] is what a unit of i adds to j; None where models are not linear.
    moments : Moments or None
        Means and covariances of the columns, observed and under each query at the value that
        the batch holds; None where there is no closed form and no estimate was asked for.
    rows : int or None
        Rows of an estimate: a mean's standard error is sqrt(variance / rows). None if exact.
    mechanism, noise, places
        All parameters as they were drawn, by causal number, and the causal number of the
        variable in each column, shape (M, d); hidden variables have the first numbers.
    """

    graphs: BoolArray
    weights: FloatArray | None
    moments: Moments | None
    rows: int | None
    mechanism: Mechanism
    noise: Noise
    places: Places

    @property
    def ancestors(self) -> BoolArray:
        """Whether there is a path from column i to column j, shape (M, d, d), entry [m, i, j]."""
        return closure(self.graphs[:, : self.places.shape[1], : self.places.shape[1]])

    @property
    def descendants(self) -> BoolArray:
        """Whether column j is a descendant of column i, shape (M, d, d), entry [m, j, i]."""
        return self.ancestors.swapaxes(1, 2)

    @property
    def confounded(self) -> BoolArray:
        """Whether two columns share a hidden cause, shape (M, d, d)."""
        d = self.places.shape[1]
        hidden = self.graphs[:, d:, :d]  # (M, H, d)
        shared = (hidden[:, :, :, None] & hidden[:, :, None, :]).any(axis=1)
        return np.asarray(shared & ~np.eye(d, dtype=np.bool_))

    @classmethod
    def of(cls, batch: CausalBatch, *, rows: int | None = None) -> Truth:
        """Draw the models of a batch again, and find their moments.

        Parameters
        ----------
        batch : CausalBatch
            From a `Simulator` of a `SimulatorConfig`; it may be a part, or come from a file.
        rows : int, optional
            Where there is no closed form, estimate moments from so many fresh rows a regime.

        Raises
        ------
        InputError
            If the batch does not say what drew it, or was drawn by something else, or `rows` is
            less than 2.

        Examples
        --------
        >>> from activa_sim import simulator
        >>> batch = simulator("gauss-2").sample(3, 40)
        >>> Truth.of(batch).moments.interv_mean.shape
        (3, 2, 2)
        """
        if rows is not None and rows < 2:
            raise InputError(f"rows is {rows}; give at least 2")
        config, streams = _origin(batch)
        model, places = draw_models(config, streams)
        queries, order = draw_queries(config, streams, places)
        everything = _with_hidden(places, config.hidden)
        graphs = graph_columns(model.graphs, everything)
        _check_same(batch, graphs, of_queries(queries.targets, places, order))
        values = np.full(queries.targets.shape, np.nan)
        models = np.arange(len(batch))[:, None, None]
        values[models, order[:, :, None], places[:, None, :]] = batch.values
        queries = replace(queries, values=values)
        moments, weights = None, None
        if is_affine(model.mechanism) and config.levels is None:
            linear = affine(model, streams)
            rows, moments = None, linear_moments(linear, model.noise, queries)
            weights = graph_columns(linear.weights, everything)
        elif rows is not None:
            moments = _estimated(config, queries, streams, rows)
        if moments is not None:
            moments = moments.by_column(places, order)
        return cls(graphs, weights, moments, rows, model.mechanism, model.noise, places)


def _origin(batch: CausalBatch) -> tuple[SimulatorConfig, Streams]:
    """Read the configuration of a batch and give the streams of its models."""
    if not batch.config or batch.index is None:
        raise InputError("the batch does not say what drew it; give one from a simulator")
    if "cell_types" in batch.config:
        raise InputError(
            "gene regulation has no closed form; average a large sample of each model instead, "
            "Simulator(SergioConfig.from_dict(batch.config)).sample(1, 10_000, "
            f'seed={batch.seed}, split="{batch.split}", start=i) for i in batch.index'
        )
    config = SimulatorConfig.from_dict(batch.config)
    return config, numbered_streams(batch.seed, batch.split, batch.index)


def _with_hidden(places: Places, hidden: int) -> Places:
    """Add the hidden variables, which have the first causal numbers, after the columns."""
    numbers = np.broadcast_to(np.arange(hidden), (len(places), hidden))
    return np.concatenate([places, numbers], axis=1)


def _check_same(batch: CausalBatch, graphs: BoolArray, targets: BoolArray) -> None:
    """Raise unless the batch holds what its configuration draws."""
    d = batch.obs.shape[-1]
    same = np.array_equal(batch.targets, targets) and batch.graphs is not None
    if not same or not np.array_equal(batch.graphs, graphs[:, :d, :d]):  # type: ignore[arg-type]
        raise InputError(
            "the batch holds other graphs or targets than its configuration draws; "
            "give one as a simulator of this version drew it"
        )


def _estimated(config: SimulatorConfig, queries: Queries, streams: Streams, rows: int) -> Moments:
    """Estimate moments model by model, so that many rows fit into the memory."""
    parts = []
    for m in range(len(queries.targets)):
        one = slice(m, m + 1)
        model, _ = draw_models(config, streams[one])
        parts.append(estimated_moments(model, queries.of_models(one), streams[one], rows))
    return Moments.concat(parts)
