"""Simulator: laws of a model's parts and of the queries, run for many models at once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.batch import CausalBatch
from activa_sim.errors import InputError, check_names, whole_number
from activa_sim.regimes import MAX_REGIMES
from activa_sim.rng import model_streams

if TYPE_CHECKING:
    from collections.abc import Generator

    from activa_sim.config import SimulatorConfig
    from activa_sim.sergio.config import SergioConfig


@dataclass(frozen=True)
class Simulator:
    """Draws causal models and, of each, observational and interventional samples.

    Parameters
    ----------
    config : SimulatorConfig or SergioConfig
        The laws; `activa_sim.simulator(name)` gives those of a preset.

    Examples
    --------
    >>> from activa_sim import simulator
    >>> batch = simulator("gauss-2").sample(3, 40, seed=1)
    >>> batch.obs.shape, batch.interv.shape
    ((3, 40, 2), (3, 2, 40, 2))
    """

    config: SimulatorConfig | SergioConfig

    def changed(self, **parts: Any) -> Simulator:
        """Give the simulator with some parts of its configuration replaced.

        Raises
        ------
        InputError
            If there is no such part, or if the parts do not fit each other.

        Examples
        --------
        >>> from activa_sim import simulator
        >>> from activa_sim.queries import Shift
        >>> null = simulator("gauss-2").changed(query=Shift(0.0, 0.0), coupled=True)
        >>> batch = null.sample(3, 40)
        >>> bool((batch.interv == batch.obs[:, None]).all())
        True
        """
        for name in parts:
            check_names("part", [name], (f.name for f in fields(self.config)))
        return replace(self, config=replace(self.config, **parts))

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
            With the queries that `config.targets` asks for, by default one a variable (Q = d).

        Raises
        ------
        InputError
            If a number is not whole or out of its range, or the split is unknown.
        """
        n_models = whole_number("n_models", n_models)
        n_samples = whole_number("n_samples", n_samples)
        seed, start = whole_number("seed", seed), whole_number("start", start)
        self._check(n_models, n_samples, samples=1 + replicate)
        config, streams = self.config, model_streams(seed, split, start, n_models)
        return CausalBatch(
            **config.draw(streams, n_samples, replicate=replicate),
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
        ahead: int = 0,
    ) -> Generator[CausalBatch, None, None]:
        """Yield batch after batch without end; step s is `sample(..., start=s * batch_size)`.

        With ahead > 0 a thread keeps so many batches ready; closing the iterator ends it.
        """
        batches = (
            self.sample(batch_size, n_samples, seed=seed, split=split, start=step * batch_size)
            for step in count(start_step)
        )
        if not ahead:
            return batches
        from activa_sim.prefetch import prefetched  # threads take time to import

        return prefetched(batches, ahead)

    def shard(
        self,
        n_models: int,
        n_samples: int,
        *,
        shards: int,
        shard: int,
        seed: int = 0,
        split: str = "train",
        replicate: bool = False,
    ) -> CausalBatch:
        """Draw the k-th of K nearly equal parts of `sample(n_models, ...)`, k = 0, ..., K - 1.

        `CausalBatch.concat` of all parts in order is that sample, bit for bit.

        Raises
        ------
        InputError
            If there is no such part, or if it would be empty.
        """
        models = shard_range(n_models, shards=shards, shard=shard)
        return self.sample(
            len(models),
            n_samples,
            seed=seed,
            split=split,
            start=models.start,
            replicate=replicate,
        )

    def _check(self, n_models: int, n_samples: int, *, samples: int) -> None:
        fewest = self.config.query.fewest_rows
        if n_models < 1 or n_samples < fewest:
            raise InputError(
                f"{n_models} models with {n_samples} rows each were asked for; "
                f"give at least 1 model and {fewest} rows"
            )
        regimes = 2 + samples * self.config.targets.queries(self.config.variables)
        if regimes > MAX_REGIMES:
            raise InputError(f"{regimes} regimes are too many; ask for fewer queries")


def shard_range(n_models: int, *, shards: int, shard: int) -> range:
    """Give the indices of the models in one of several nearly equal parts.

    Raises
    ------
    InputError
        If there is no such part, or fewer models than parts.

    Examples
    --------
    >>> shard_range(10, shards=3, shard=1)
    range(3, 6)
    """
    if not 0 <= shard < shards:
        raise InputError(f"shard is {shard} of {shards}; shards are numbered from 0")
    if n_models < shards:
        raise InputError(f"{n_models} models make no {shards} shards; give at least one each")
    return range(shard * n_models // shards, (shard + 1) * n_models // shards)
