"""Ask a trained model: a table and a query in, the interventional distribution out."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from activa_core.checkpoint import ModelCard, load
from activa_core.config import ModelConfig
from activa_core.data import Pairs, standardise
from activa_core.effect import InterventionalDistribution
from activa_core.errors import InputError
from activa_core.hedge import hedge, share
from activa_core.mixture import GaussianMixture
from activa_core.model import CVAE
from activa_core.orientation import orientation
from activa_core.tables import Column, FloatArray, Table, number, quote, read_table

__all__ = ["Activa", "Predictor", "RangeWarning", "misfit", "shipped_models"]

Predictor = Callable[
    [NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32], int], InterventionalDistribution
]
"""(obs (N, d), targets (d,), values (d,), seed) -> p(V | do), as `activa_eval.score` wants it."""

FLAT = 1e-12  # a column that varies by less than this share of its size is constant
SMALLEST = 1e-100  # and so is one that varies by less than this
FURTHEST = 1e4  # standard deviations from its mean that a column can be set to
FEW = 10  # values of a column, below which it does not look continuous


class RangeWarning(UserWarning):
    """The question lies outside what the model was trained on; the answer is a guess."""


class Activa:
    """A trained model that answers p(V | do(V_t = v)) from observations alone.

    Parameters
    ----------
    model : CVAE
        The network.
    card : ModelCard
        What it was trained on.

    Examples
    --------
    >>> from activa_core import Activa
    >>> model = Activa.from_pretrained("general-2")
    >>> table = np.random.default_rng(0).normal(size=(100, 2)) @ [[1.0, 2.0], [0.0, 1.0]]
    >>> effect = model.intervene(table, do={0: 1.5})
    >>> effect.mean().shape, effect.outcomes
    ((2,), (1,))
    """

    def __init__(self, model: CVAE, card: ModelCard) -> None:
        self.model, self.card = model.eval(), card

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path) -> Self:
        """Load a model of this package by its name, or a checkpoint by its path.

        Raises
        ------
        InputError
            If it is neither, or the file is damaged.
        """
        shipped = shipped_models()
        path = shipped.get(str(name_or_path), Path(name_or_path))
        if not path.is_file():
            raise InputError(
                f'there is no model "{name_or_path}"; '
                f"give the path of a checkpoint or one of {', '.join(shipped) or 'none'}"
            )
        return cls(*load(path))

    @property
    def config(self) -> ModelConfig:
        """The network's sizes and variants."""
        return self.model.config

    def intervene(
        self, table: Any, do: Mapping[Any, float], *, draws: int = 50, seed: int = 0
    ) -> InterventionalDistribution:
        """Predict the distribution of all columns when one of them is set to a value.

        Parameters
        ----------
        table : DataFrame, array_like or Tensor, shape (N, d)
            Observations D, one row a case, in any units.
        do : mapping of one column (name or position) to a number
            The query, in the table's units.
        draws : int
            Latents drawn from the prior [S]: hypotheses about the mechanism. A model without a
            latent has its components instead, whatever this is.
        seed : int
            Of those draws.

        Returns
        -------
        InterventionalDistribution
            In the table's units, under its names.

        Raises
        ------
        InputError
            If the table or the query is one that the model cannot take.

        Warns
        -----
        RangeWarning
            If the number of rows or columns or the value lies outside the range of training, or if
            a column has few values, as yes and no are.
        """
        observed = read_table(table)
        self._check_table(observed)
        target, value = self._query(observed, do)
        if draws < 1:
            raise InputError(f"cannot predict from {draws} latent draws; ask for at least one")
        shift, scale = self._units(observed.rows, target, value)
        for sentence in self._outside(observed, target, value):
            warnings.warn(f"{sentence}; read the answer with caution", RangeWarning, stacklevel=2)
        mixture, hypotheses = self._predict(observed.rows, target, value, shift, scale, draws, seed)
        outcomes = [j for j in range(len(observed.columns)) if j != target]
        column = observed.columns[target]
        return InterventionalDistribution(
            mixture=mixture.marginal(outcomes) if self.config.fix_target else mixture,
            hypotheses=hypotheses,
            observed=observed,
            do={column: value},
            fixed={column: value} if self.config.fix_target else {},
        )

    def predictor(self, draws: int = 50) -> Predictor:
        """Return this model as the callable that `activa_eval.score` takes."""

        def predict(
            obs: NDArray[np.float32],
            targets: NDArray[np.bool_],
            values: NDArray[np.float32],
            seed: int,
        ) -> InterventionalDistribution:
            do: dict[Column, float] = {int(j): float(values[j]) for j in np.flatnonzero(targets)}
            return self.intervene(obs, do, draws=draws, seed=seed)

        return predict

    def _check_table(self, observed: Table) -> None:
        N, d = observed.rows.shape
        fewest, most = self.config.min_variables, self.config.max_variables
        if not fewest <= d <= most:
            raise InputError(f"{misfit(d, 'the model takes', fewest, most)}; choose columns")
        if N < 2:
            rows = "one row" if N == 1 else "no rows"
            raise InputError(f"the table has {rows}; give at least two, better dozens")
        if self.config.needs_units:
            return
        varies = np.ptp(observed.rows, axis=0)
        flat = varies <= np.maximum(FLAT * np.abs(observed.rows).max(axis=0), SMALLEST)
        for column in np.array(observed.columns, dtype=object)[flat]:
            raise InputError(f"column {quote(column)} is constant; drop it or give more rows")

    def _query(self, observed: Table, do: Mapping[Column, float]) -> tuple[int, float]:
        """Position of the target and the value it is set to."""
        if len(do) != 1:
            raise InputError(f"do sets {len(do)} columns, the model was trained to set one at once")
        ((column, given),) = do.items()
        target, value = observed.position(column), number(given, column)
        trained = self.config.trained_values
        if self.config.query == "index" and not np.isclose(value, trained, rtol=1e-6).any():
            known = ", ".join(f"{v:g}" for v in trained)
            raise InputError(
                f"the model knows only do-values of {known}, not {value:g}; "
                "use a general model for other values"
            )
        rows = observed.rows[:, target]
        furthest = FURTHEST * rows.std(ddof=1)
        if self.config.query == "value" and 0 < furthest < abs(value - rows.mean()):
            raise InputError(
                f"the value {value:g} for column {quote(observed.columns[target])} lies more than "
                f"{FURTHEST:g} standard deviations from its mean; give it in the table's units"
            )
        return target, value

    def _units(self, rows: FloatArray, target: int, value: float) -> tuple[FloatArray, FloatArray]:
        """Shift and scale (d,) that lead from model units to the table's."""
        if not self.config.standardise:
            return np.zeros(rows.shape[1]), np.ones(rows.shape[1])
        data = torch.from_numpy(rows)
        shift, scale = standardise(data)  # (1, d) each
        if self.config.oriented_by is not None:
            targets = torch.arange(rows.shape[1]) == target
            values = targets * (value - shift[0])
            by = self.config.oriented_by
            scale = scale * orientation((data - shift) / scale, targets, values, by=by)
        return shift[0].numpy(), scale[0].numpy()

    def _outside(self, observed: Table, target: int, value: float) -> Iterator[str]:
        """Say what training never showed."""
        (fewest, most), (N, d) = self.card.n_samples, observed.rows.shape
        if not fewest <= N <= most:
            yield f"the table has {N} rows and the model was trained on {fewest} to {most}"
        trained = self.card.n_variables
        if trained is not None and not trained[0] <= d <= trained[1]:
            yield misfit(d, "the model was trained on", *trained)
        rows, furthest = observed.rows[:, target], self.card.value_range
        if furthest is not None and abs(value - rows.mean()) > furthest * rows.std(ddof=1):
            yield (
                f"the value {value:g} for column {quote(observed.columns[target])} lies more than "
                f"{furthest:g} standard deviations from its mean, further than in training"
            )
        scales = self.card.scale_range
        for column, rows in zip(observed.columns, observed.rows.T, strict=True):
            values, scale = len(np.unique(rows)), rows.std(ddof=1)
            if not self.config.needs_units and values < min(FEW, N / 2):
                yield (
                    f"column {quote(column)} has only {values} values, "
                    "and the model answers as for columns that vary continuously"
                )
            if scales is not None and scale > 0 and not scales[0] / 2 < scale < scales[1] * 2:
                yield (
                    f"column {quote(column)} has a standard deviation of {scale:.3g}, and the model "
                    f"was trained on {scales[0]:.3g} to {scales[1]:.3g}, in units of its own"
                )

    @torch.no_grad()
    def _predict(
        self,
        rows: FloatArray,
        target: int,
        value: float,
        shift: FloatArray,
        scale: FloatArray,
        draws: int,
        seed: int,
    ) -> tuple[GaussianMixture, Tensor]:
        """Mixture over all columns, in float64 and the table's units; of which hypothesis each is."""
        config, data = self.config, torch.from_numpy((rows - shift) / scale)
        value = (value - shift[target]) / scale[target]
        obs = data.float().unsqueeze(0)  # (1, N, d)
        targets = torch.arange(obs.shape[-1])[None] == target
        values = (targets * value).float()
        units = torch.from_numpy(np.stack([shift, scale])).float().unsqueeze(0)  # (1, 2, d)
        asked = Pairs(obs, targets, values, interv=obs[:, :0], units=units)
        z = self.model.codes(asked, draws, torch.Generator().manual_seed(seed))  # (S, 1, d, l)
        laws = self.model.decode(z.squeeze(1)).to(torch.float64)  # batch (S,)
        if not (laws.mean().isfinite().all() and laws.variances.isfinite().all()):
            raise InputError(
                "the network has no finite answer; bring the columns near the units of training"
            )
        laws = laws.compact()
        # float32 weights sum to one only within 1e-7
        laws = replace(laws, log_weights=laws.log_weights.log_softmax(dim=-1))
        laws, components = laws.merge(), config.decoder_components
        # without a latent every component of the one law is a hypothesis of its own
        hypotheses = torch.arange(len(laws.means)) // (components if config.latent else 1)
        if config.hedge_rows:
            known = hedge(data, target, value, config.eps)
            laws = laws.mixed_with(known, share(data, config.hedge_rows))
            hypotheses = torch.cat([hypotheses, hypotheses[-1] + torch.tensor([1, 2])])
        return laws.affine(torch.from_numpy(shift), torch.from_numpy(scale)), hypotheses


def misfit(n_columns: int, takes: str, fewest: int, most: int) -> str:
    """Say that a table is too narrow or too wide.

    Examples
    --------
    >>> misfit(1, "the model takes", 2, 3)
    'the table has one column, the model takes 2 to 3'
    """
    columns = "one column" if n_columns == 1 else f"{n_columns} columns"
    span = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return f"the table has {columns}, {takes} {span}"


def shipped_models() -> dict[str, Path]:
    """Return the checkpoints inside this package by name."""
    folder = Path(str(resources.files("activa_core"))) / "pretrained"
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}
