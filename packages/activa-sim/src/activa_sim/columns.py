"""From causally numbered variables to columns whose order says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from activa_sim.mechanisms import NO_MECHANISM
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.mechanisms import Mechanism
    from activa_sim.noises import Noise
    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    Places = NDArray[np.intp]  # (M, d): the causal number of the variable in each column
    Order = NDArray[np.intp]  # (M, Q): the number of the query in each place

T = TypeVar("T", bound=np.generic)


def draw_places(streams: Streams, d: int) -> Places:
    """Draw a uniform permutation for every model, shape (M, d)."""
    return np.argsort(streams.at(Site.PERMUTATION).words(d), axis=1, kind="stable")


def observed_columns(rows: FloatArray, places: Places) -> NDArray[np.float32]:
    """Order observed rows (M, d, N) by column, shape (M, N, d)."""
    return _rows_last(np.take_along_axis(rows, places[..., None], axis=1))


def query_columns(rows: FloatArray, places: Places, order: Order) -> NDArray[np.float32]:
    """Order rows (M, d, Q, N) by query and column, (M, Q, N, d)."""
    models = np.arange(len(places))[:, None, None]
    return _rows_last(rows[models, places[:, None, :], order[:, :, None]])


def of_queries(array: NDArray[T], places: Places, order: Order) -> NDArray[T]:
    """Order what queries do to variables, (M, Q, d), by query and column."""
    models = np.arange(len(places))[:, None, None]
    return array[models, order[:, :, None], places[:, None, :]]


def graph_columns(graphs: NDArray[T], places: Places) -> NDArray[T]:
    """Renumber graphs or other tables of pairs of variables, (M, d, d), by column."""
    models = np.arange(len(places))[:, None, None]
    return graphs[models, places[:, :, None], places[:, None, :]]


def pair_labels(mechanism: Mechanism, noise: Noise, places: Places) -> dict[str, NDArray[np.str_]]:
    """Name the parts of two-variable models; the first column is the cause if there is no edge."""
    models = np.arange(len(places))
    cause = np.where(mechanism.families[:, 0, 1] != NO_MECHANISM, 0, places[:, 0])
    return {
        "mechanism": mechanism.families[:, 0, 1],
        "cause_noise": noise.families[models, cause],
        "effect_noise": noise.families[models, 1 - cause],
    }


def _rows_last(rows: FloatArray) -> NDArray[np.float32]:
    """Bring (..., d, N) into the order and precision of a table, (..., N, d)."""
    return np.ascontiguousarray(rows.swapaxes(-1, -2), dtype=np.float32)
