"""The answer to a query: p(V | do(...)) in the user's units and under the user's column names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from activa_core.data import standardise
from activa_core.errors import InputError
from activa_core.event import read_event
from activa_core.hypotheses import Hypotheses, hypotheses
from activa_core.mixture import GaussianMixture
from activa_core.tables import (
    Column,
    FloatArray,
    Labelled,
    Table,
    label,
    number,
    position,
    quote,
    read_table,
)

__all__ = ["InterventionalDistribution", "Modes"]


class Modes(NamedTuple):
    """Local maxima of a density, the heaviest first."""

    points: Labelled  # (M, d)
    weights: FloatArray  # (M,), the share of the mixture that belongs to each


@dataclass(frozen=True, eq=False, repr=False)
class InterventionalDistribution:
    """p(V | do(...)): a mixture of Gaussians beside columns that are held at a value.

    Everything but `sample` is exact for the mixture, nothing is estimated from draws. Where the
    table was a DataFrame, so is what comes back; else it is a float64 array. A column is named as
    in the table, or by its position.

    Parameters
    ----------
    mixture : GaussianMixture
        One mixture (no batch axes) in float64, over the columns that are not `fixed`, in order.
    hypotheses : Tensor, shape (K,), int64
        Of which hypothesis about the mechanism each component is: the latent draw from which it was
        decoded, or a half of the hedge.
    observed : Table
        D, the table that was asked about.
    do : mapping of column to float
        What the query sets.
    fixed : mapping of column to float
        Point masses: the targets of a model that does not learn them, and what `condition` fixed.
        A model that learns its targets' columns has them in the mixture instead.
    """

    mixture: GaussianMixture
    hypotheses: Tensor
    observed: Table
    do: Mapping[Column, float]
    fixed: Mapping[Column, float]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in the order of the table."""
        return self.observed.columns

    @property
    def outcomes(self) -> tuple[Column, ...]:
        """The columns that are neither set nor fixed: what the query asks about."""
        return tuple(c for c in self.columns if c not in self.do and c not in self.fixed)

    def mean(self) -> Labelled:
        """Mean of each column, shape (d,)."""
        return self._out(self._among_fixed(self.mixture.mean()), self.columns)

    def cov(self) -> Labelled:
        """Covariance, shape (d, d), zero where a column is fixed."""
        full = np.zeros((len(self.columns), len(self.columns)))
        full[np.ix_(self._modelled, self._modelled)] = self.mixture.cov().numpy()
        return self._out(full, self.columns, self.columns)

    def quantile(self, q: float | Sequence[float]) -> Labelled:
        """Quantile of each column by itself, shape (d,), or (Q, d) for Q levels in [0, 1]."""
        levels = np.asarray(q, dtype=np.float64)
        if levels.ndim > 1 or not ((levels >= 0) & (levels <= 1)).all():
            raise InputError(f"the quantile level {q} is not a number from 0 to 1")
        found = self._among_fixed(self.mixture.quantile(torch.from_numpy(levels)))
        return self._out(found, *([levels] if levels.ndim else []), self.columns)

    def row_interval(self, level: float = 0.9) -> Labelled:
        """Where a new row lies with this probability: quantiles of each column, shape (d, 2)."""
        low, high = _tails(level)
        found = self._among_fixed(self.mixture.quantile(torch.tensor([low, high])))
        return self._out(found.T, self.columns, ["low", "high"])

    def mean_interval(self, level: float = 0.9) -> Labelled:
        """Where the interventional mean lies: quantiles of the hypotheses' means, by weight, (d, 2).

        A hypothesis whose law has several components counts once, with the mean of that law: its
        components describe a shape.
        """
        means = self._hypotheses()
        ends = [means.quantile(tail) for tail in _tails(level)]
        return self._out(np.stack(ends, axis=1), self.columns, ["low", "high"])

    def prob(self, event: str) -> float:
        """Probability of an event about one column, such as "Y > 3" (`<`, `<=`, `>` or `>=`)."""
        asked = read_event(event)
        named = {str(column): column for column in self.columns}
        j = self.observed.position(named.get(asked.column, asked.column))
        if self.columns[j] in self.fixed:
            return float(asked.holds(self.fixed[self.columns[j]]))
        column = self.mixture.marginal([self._modelled.index(j)])
        # mirrored if need be, as 1 - cdf would lose a small upper tail
        sign = torch.full((1,), -1.0 if asked.above else 1.0, dtype=torch.float64)
        return column.affine(0 * sign, sign).cdf((sign * asked.bound).unsqueeze(0)).item()

    def prob_moves(self, column: Column, threshold: float = 0.2) -> float:
        """Weight of the hypotheses whose mean of a column differs from D's mean.

        A difference counts from `threshold` observed standard deviations on, or of the column's
        units where it is constant. Of a hypothesis counts the mean, as in `mean_interval`.
        """
        j = self.observed.position(column)
        shift, unit = standardise(torch.from_numpy(self.observed.rows))  # (1, d) each
        center, scale = shift[0].numpy(), unit[0].numpy()
        return float(self._hypotheses().beyond(center, threshold * scale)[j])

    def sample(self, n: int, seed: int = 0) -> Labelled:
        """Draw n independent rows, shape (n, d)."""
        if n < 1:
            raise InputError(f"cannot draw {n} rows; ask for at least one")
        generator = torch.Generator().manual_seed(seed)
        rows = self._among_fixed(self.mixture.sample(n, generator=generator))
        return self._out(rows, None, self.columns)

    def log_prob(self, rows: Any) -> Labelled:
        """Log density of rows (n, d) in their outcome columns alone, shape (n,)."""
        if not self.outcomes:
            raise InputError("every column is set or fixed, so there is no density to evaluate")
        table = self._read(rows)
        places = [self.columns.index(c) for c in self.outcomes]
        inside = self.mixture.marginal([self._modelled.index(j) for j in places])
        density = inside.log_prob(torch.from_numpy(table.rows[:, places])).numpy()
        return density if table.index is None else label(density, table.index)

    def cdf(self, rows: Any) -> Labelled:
        """P(V_j <= rows[:, j]) of each column by itself, for rows (n, d): shape (n, d)."""
        table = self._read(rows)
        steps = (table.rows >= self._held).astype(np.float64)
        steps[:, self._modelled] = self.mixture.cdf(
            torch.from_numpy(table.rows[:, self._modelled])
        ).numpy()
        return steps if table.index is None else label(steps, table.index, self.columns)

    def marginal(self, *columns: Column) -> "InterventionalDistribution":
        """Distribution of these columns alone, in this order."""
        places = [self.observed.position(c) for c in columns]
        names = tuple(self.columns[j] for j in places)
        if not names or len(set(names)) < len(names):
            raise InputError("name the columns of a marginal, each of them once")
        free = [self._modelled.index(j) for j in places if j in self._modelled]
        return replace(
            self,
            mixture=self.mixture.marginal(free),
            observed=Table(self.observed.rows[:, places], names, self.observed.index),
            fixed={c: v for c, v in self.fixed.items() if c in names},
        )

    def condition(self, values: Mapping[Column, float]) -> "InterventionalDistribution":
        """p(V | do(...), other columns = values): what a row with these values looks like."""
        seen = {self.observed.position(c): number(v, c) for c, v in values.items()}
        for j in seen:
            if self.columns[j] not in self.outcomes:
                raise InputError(f"column {quote(self.columns[j])} already has a value; drop it")
        at = torch.tensor(list(seen.values()), dtype=torch.float64)
        return replace(
            self,
            mixture=self.mixture.condition([self._modelled.index(j) for j in seen], at),
            fixed={**self.fixed, **{self.columns[j]: v for j, v in seen.items()}},
        )

    def modes(self) -> Modes:
        """Local maxima of the joint density: the distinct answers, with the share of each."""
        points, weights = self.mixture.modes()
        return Modes(self._out(self._among_fixed(points), None, self.columns), weights.numpy())

    def as_arrays(self) -> "InterventionalDistribution":
        """Same distribution, which answers with arrays even where the table was a DataFrame."""
        return replace(self, observed=replace(self.observed, index=None))

    def plot(self, path: str | Path) -> None:
        """Draw the data, the prediction and the plain conditional into a PNG, PDF or SVG file."""
        from activa_core.plots import plot_effect

        plot_effect(self, path)

    def summary(self, level: float = 0.9) -> dict[str, Any]:
        """Return the answer for each outcome as plain numbers, ready for JSON."""
        bare = self.as_arrays()
        mean, sd = bare.mean(), np.sqrt(np.diag(bare.cov()))
        rows, means = bare.row_interval(level), bare.mean_interval(level)
        answers = {}
        for column in self.outcomes:
            j = self.columns.index(column)
            observed = self.observed.rows[:, j]
            answers[str(column)] = {
                "mean": float(mean[j]),
                "sd": float(sd[j]),
                "row_interval": rows[j].tolist(),
                "mean_interval": means[j].tolist(),
                "prob_moves": self.prob_moves(column),
                "observed_mean": float(observed.mean()),
                "observed_sd": float(observed.std(ddof=1)),
            }
        do = {str(column): value for column, value in self.do.items()}
        return {
            "do": do,
            "level": level,
            "hypotheses": len(np.unique(self.hypotheses)),
            "outcomes": answers,
        }

    def __repr__(self) -> str:
        do = ", ".join(f"{column} = {value:g}" for column, value in self.do.items())
        outcomes = ", ".join(str(column) for column in self.outcomes)
        return f"p({outcomes} | do({do})), a mixture of {len(self.hypotheses)} Gaussians"

    @property
    def _modelled(self) -> list[int]:
        return [j for j, column in enumerate(self.columns) if column not in self.fixed]

    @property
    def _held(self) -> FloatArray:
        """Value of each fixed column, NaN elsewhere, (d,)."""
        return np.array([self.fixed.get(column, np.nan) for column in self.columns])

    def _among_fixed(self, modelled: Tensor) -> FloatArray:
        """Numbers of the modelled columns put between those of the fixed ones, (..., d)."""
        full = np.tile(self._held, (*modelled.shape[:-1], 1))
        full[..., self._modelled] = modelled.numpy()
        return full

    def _hypotheses(self) -> Hypotheses:
        modelled = hypotheses(self.mixture, self.hypotheses)
        return replace(modelled, means=self._among_fixed(torch.from_numpy(modelled.means)))

    def _read(self, rows: Any) -> Table:
        """Rows that were given from outside, with the columns of this distribution."""
        table = read_table(rows)
        if table.index is not None and self.observed.index is not None:
            places = [position(column, table.columns) for column in self.columns]
            return Table(table.rows[:, places], self.columns, table.index)
        if table.rows.shape[1] != len(self.columns):
            raise InputError(
                f"the rows have {table.rows.shape[1]} columns; give all {len(self.columns)}, "
                "in the order of the table"
            )
        return table

    def _out(self, values: FloatArray, *axes: Any) -> Labelled:
        return values if self.observed.index is None else label(values, *axes)


def _tails(level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise InputError(f"the level {level} of an interval is not a number between 0 and 1")
    return (1 - level) / 2, (1 + level) / 2
