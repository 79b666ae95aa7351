"""Simulator: a graph, mechanism, noise and query law, composed and run for many models at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.batch import CausalBatch
from activa_sim.errors import InputError
from activa_sim.graphs import Pair, PrunedErdosRenyi
from activa_sim.mechanisms import AssortedMechanism, LinearMechanism, Mechanism
from activa_sim.noises import AssortedNoise, BetaNoise, GaussianNoise, Noise
from activa_sim.queries import FixedValue, WithinSpread
from activa_sim.rng import MAX_MODELS, Site, Streams, model_streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class SimulatorConfig:
    """What a simulator is made of; each part documents its own fields."""

    variables: int
    graph: PrunedErdosRenyi | Pair
    mechanism: LinearMechanism | AssortedMechanism
    noise: GaussianNoise | BetaNoise | AssortedNoise
    query: FixedValue | WithinSpread

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for JSON, each part with the name of its law."""
        parts = {name: getattr(self, name) for name in ("graph", "mechanism", "noise", "query")}
        described = {name: {"law": type(p).__name__, **asdict(p)} for name, p in parts.items()}
        return {"variables": self.variables, **described}


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
            M and N, at least 1 and 2.
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
        if n_models < 1 or n_samples < 2:
            raise InputError(
                f"{n_models} models of {n_samples} rows were asked for; "
                "give at least 1 model and 2 rows"
            )
        if start < 0 or start + n_models > MAX_MODELS:
            raise InputError(f"models are numbered from 0 to 2**48 - 1, but start is {start}")
        streams = model_streams(seed, split, start, n_models)
        drawn = self._draw(streams)
        values, rows = _simulate(drawn, streams, self.config.query, n_samples, replicate)
        place = _places(streams, self.config.variables)  # (M, d): column -> causal number
        return _in_columns(self.config, drawn, values, rows, place, seed, split, start)

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
        step = start_step
        while True:
            yield self.sample(
                batch_size, n_samples, seed=seed, split=split, start=step * batch_size
            )
            step += 1

    def _draw(self, streams: Streams) -> _Drawn:
        d = self.config.variables
        graphs = self.config.graph.draw(streams, d)
        return _Drawn(
            graphs=graphs,
            mechanism=self.config.mechanism.draw(streams, graphs),
            noise=self.config.noise.draw(streams, d),
        )


@dataclass(frozen=True)
class _Drawn:
    """M models; their variables are numbered causally."""

    graphs: NDArray[np.bool_]  # (M, d, d)
    mechanism: Mechanism
    noise: Noise


# Regime 0 is the calibration of the mechanisms, 1 the observation, 2 ... d + 1 the queries and
# d + 2 ... their replicates.
OBSERVED = 1


def _simulate(
    drawn: _Drawn, streams: Streams, query: FixedValue | WithinSpread, n: int, replicate: bool
) -> tuple[FloatArray, FloatArray]:
    """Give the values set (M, d) and the rows (M, d, R, N) of the regimes from OBSERVED on."""
    M, d, _ = drawn.graphs.shape
    regimes = range(OBSERVED, OBSERVED + 1 + d * (1 + replicate))
    extra = drawn.mechanism.calibration
    noise = drawn.noise.sample(streams.at(Site.NOISE, d, regimes), n).reshape(M, d, -1)
    if extra:
        calibration = drawn.noise.sample(streams.at(Site.NOISE, d, range(1)), extra)[:, :, 0]
        noise = np.concatenate([calibration, noise], axis=-1)
    x = np.empty_like(noise)  # (M, d, extra + R N)
    rows = x[:, :, extra:].reshape(M, d, len(regimes), n)
    assert np.shares_memory(x, rows)
    values = np.empty((M, d))
    for j in range(d):
        x[:, j] = drawn.mechanism.child(j, x, noise[:, j])
        values[:, j] = query.values(streams, rows[:, j, 0], j)
        for regime in range(1 + j, len(regimes), d):
            rows[:, j, regime] = values[:, j, None]
            if query.jitter:
                jitter = streams.at(Site.JITTER, d, range(regime, regime + 1))[:, j, 0]
                rows[:, j, regime] += query.jitter * jitter.normal(n)
    return values, rows


def _places(streams: Streams, d: int) -> NDArray[np.intp]:
    """Draw a uniform permutation a model: which causal number each column holds, (M, d)."""
    return np.argsort(streams.at(Site.PERMUTATION, 1)[:, 0].words(d), axis=1, kind="stable")


def _in_columns(
    config: SimulatorConfig,
    drawn: _Drawn,
    values: FloatArray,
    rows: FloatArray,
    place: NDArray[np.intp],
    seed: int,
    split: str,
    start: int,
) -> CausalBatch:
    """Order everything by column: variables, and queries by the column that they set."""
    M, d = place.shape
    models = np.arange(M)[:, None]
    obs = rows[models, place, 0]  # (M, d, N)
    pair = models[..., None], place[:, None, :]  # (M, 1, 1), (M, 1, d)
    by_query = [rows[*pair, first + place[:, :, None]] for first in range(1, rows.shape[2], d)]
    interv, *replicates = (np.swapaxes(block, 2, 3) for block in by_query)  # (M, Q, N, d)
    targets = np.broadcast_to(np.eye(d, dtype=np.bool_), (M, d, d)).copy()
    return CausalBatch(
        obs=_as_float32(np.swapaxes(obs, 1, 2)),
        interv=_as_float32(interv),
        targets=targets,
        values=_as_float32(np.where(targets, values[models, place][..., None], np.nan)),
        graphs=drawn.graphs[models[..., None], place[:, :, None], place[:, None, :]],
        labels=_pair_labels(drawn, place) if d == 2 else {},
        interv_replicate=_as_float32(replicates[0]) if replicates else None,
        index=np.arange(start, start + M),
        config=config.as_dict(),
        seed=seed,
        split=split,
    )


def _pair_labels(drawn: _Drawn, place: NDArray[np.intp]) -> dict[str, NDArray[np.str_]]:
    """Name the mechanism and both noises; without an edge the first column counts as the cause."""
    edge = drawn.graphs[:, 0, 1]
    cause = np.where(edge, 0, place[:, 0])
    models = np.arange(len(cause))
    return {
        "mechanism": drawn.mechanism.families[:, 0, 1],
        "cause_noise": drawn.noise.families[models, cause],
        "effect_noise": drawn.noise.families[models, 1 - cause],
    }


def _as_float32(array: FloatArray) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, dtype=np.float32)
