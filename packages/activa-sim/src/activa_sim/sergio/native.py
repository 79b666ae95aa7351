"""Gene regulation by compiled code: arrays and shapes across, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.backend import instruction_set, threads
from activa_sim.sergio.cells import IndependentCells, TrajectoryCells

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from activa_sim.rng import Streams
    from activa_sim.sergio.kinetics import Kinetics, Rates
    from activa_sim.sergio.networks import Network
    from activa_sim.sergio.technical import TechnicalNoise


def fill_rows(
    out: list[NDArray[np.float32]],
    library: ModuleType,
    graphs: NDArray[np.bool_],
    rates: Rates,
    factors: NDArray[np.float64],
    streams: Streams,
    n: int,
    *,
    cells: TrajectoryCells | IndependentCells,
    half_response: str,
    noise: str,
    shuffled: bool,
) -> None:
    """Draw what `langevin.expression` draws, as tables (rows, d) of models and conditions.

    The R conditions fill one array (M, ..., rows, d) after the other. Rows are cells, type after
    type, or shuffled by the site `ROW`, and then there may be fewer than cells.
    """
    _, R, d = factors.shape
    # of exactly these types, as a subclass may choose others
    known = type(cells) in (TrajectoryCells, IndependentCells)
    library.expression(
        streams.key,
        [_plain(streams.word1), _plain(streams.word2)],
        _plain(graphs),
        _plain(rates.activates),
        _plain(rates.strength),
        _plain(rates.basal),
        [_plain(rates.hill), _plain(rates.decay), _plain(rates.noise_amplitude)],
        _plain(factors),
        np.array([cells.points(level, n) for level in range(d)], dtype=np.int64),
        None if known else _plain(cells.ages(streams, R, n)),
        n,
        cells.window(n),
        cells.paths(n),
        shuffled,
        half_response == "wild_type",
        noise,
        out,
        instruction_set(),
        threads(),
    )


def rates(
    library: ModuleType, law: Kinetics, streams: Streams, d: int, cell_types: int
) -> tuple[NDArray[Any], ...]:
    """Draw the fields of `Rates`, in their order."""
    drawn: tuple[NDArray[Any], ...] = library.rates(
        streams.key,
        _plain(streams.word1),
        _plain(streams.word2),
        d,
        cell_types,
        (law.basal, law.strength, law.sign),
        (law.hill, law.decay, law.noise_amplitude),
        instruction_set(),
        threads(),
    )
    return drawn


def extract(
    library: ModuleType,
    networks: list[Network],
    best_share: float,
    regulators: int,
    streams: Streams,
    d: int,
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Draw what `NetworkModules.draw` draws: graphs (M, d, d), and each model's network (M,)."""
    drawn: tuple[NDArray[np.bool_], NDArray[np.int64]] = library.modules(
        [(n.neighbours[0], n.ranked_neighbours, *n.targets) for n in networks],
        best_share,
        regulators,
        streams.key,
        _plain(streams.word1),
        _plain(streams.word2),
        d,
        instruction_set(),
        threads(),
    )
    return drawn


def counts(
    library: ModuleType,
    noise: TechnicalNoise,
    choices: NDArray[np.float64],
    streams: Streams,
    cells: NDArray[np.float32 | np.float64],
) -> NDArray[np.float32]:
    """Count what `TechnicalNoise.counts` counts, from choices (M, 4) in the order of its lists."""
    counted = np.empty(cells.shape, dtype=np.float32)
    library.counts(
        streams.key,
        [_plain(streams.word1), _plain(streams.word2)],
        (noise.outlier_probability, noise.outlier_sd, noise.dropout_shape),
        choices,
        _plain(cells.astype(np.float32, copy=False)),
        counted,
        instruction_set(),
        threads(),
    )
    return counted


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array)
