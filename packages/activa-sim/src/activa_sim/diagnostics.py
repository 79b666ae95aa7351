"""What a batch is like: whether it shows its causal order, and what its queries do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.errors import InputError
from activa_sim.graphs.paths import closure
from activa_sim.sortability import explained_shares, sortability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.batch import CausalBatch

    FloatArray = NDArray[np.float64]

LEVEL = 0.01  # chance to call a query without an effect one with an effect


@dataclass(frozen=True)
class Report:
    """Diagnostics of a batch of M models with Q queries and d variables.

    `str(report)` is a page of text, `report.plot(path)` a figure.

    Attributes
    ----------
    models, queries, rows, variables : int
        Sizes of the batch, M, Q, N, d.
    var_sortability, r2_sortability : ndarray, shape (M,), or None
        Share of the paths along which the variance, or the share that all other columns explain,
        rises: far from 1/2, sorting by it gives the causal order away. NaN without an edge.
    in_degrees, out_degrees : ndarray of int, shape (M, d), or None
        Numbers of causes and of effects of each variable.
    reached : ndarray of bool, shape (M, Q, d), or None
        Whether a variable is no target, but a descendant of one.
    effects : ndarray, shape (M, Q, d)
        Change of each mean in observational standard deviations, NaN for targets and columns
        that are constant.
    seen : ndarray of bool, shape (M, Q)
        Whether some mean that is no target's changes more than chance explains for independent
        rows (a z-test at 1 % with Bonferroni's correction for the number of columns, paired
        row by row where the regimes share their noise).
    effective_rows : float
        What the N observed rows are worth by the correlation of neighbours, all models and
        columns together: N for independent rows, or where N is less than 4.
    effective_rows_by_means : float or None
        What they are worth by how far means scatter that no query reaches: N for independent
        rows, less if the rows of a regime depend on each other in any order. None if no
        variable is left alone, or if the regimes share their noise.

    `None` stands where the batch holds no graphs.
    """

    models: int
    queries: int
    rows: int
    variables: int
    var_sortability: FloatArray | None
    r2_sortability: FloatArray | None
    in_degrees: NDArray[np.intp] | None
    out_degrees: NDArray[np.intp] | None
    reached: NDArray[np.bool_] | None
    effects: FloatArray
    seen: NDArray[np.bool_]
    effective_rows: float
    effective_rows_by_means: float | None

    def __str__(self) -> str:
        """Give a line a diagnostic."""
        sizes = (
            f"{self.models} models, {self.variables} variables, "
            f"{self.rows} rows, {self.queries} queries"
        )
        lines = [sizes, f"effective rows        {self.effective_rows:.1f} by their neighbours"]
        if self.effective_rows_by_means is not None:
            lines.append(f"                      {self.effective_rows_by_means:.1f} by their means")
        if self.in_degrees is not None:
            edges = self.in_degrees.sum(axis=1)
            lines.append(f"edges a model         {edges.mean():.2f}, from {edges.min()} to {edges.max()}")  # fmt: skip
        if self.var_sortability is not None and self.r2_sortability is not None:
            lines.append(f"var-sortability       {_average(self.var_sortability)}  (1/2: no cue)")
            lines.append(f"R2-sortability        {_average(self.r2_sortability)}  (1/2: no cue)")
        if self.reached is not None:
            share = self.reached.any(axis=2).mean()
            lines.append(f"queries with effects  {share:.1%} by the graph")
        lines.append(f"queries seen to act   {self.seen.mean():.1%} by their means")
        sizes_of_effects = np.abs(self.effects[np.isfinite(self.effects)])
        if sizes_of_effects.size:
            half, most = np.quantile(sizes_of_effects, [0.5, 0.9])
            lines.append(f"effect sizes          median {half:.2f}, 90 % below {most:.2f} sd")
        return "\n".join(lines)

    def plot(self, path: str | Path) -> None:
        """Draw the diagnostics into a .png, .pdf or .svg file; needs the extra `plot`.

        Raises
        ------
        InputError
            If matplotlib is not installed or the file cannot be written.
        """
        from activa_sim.figure import draw

        draw(self, Path(path))


def report(batch: CausalBatch) -> Report:
    """Describe a batch; graphs are needed for what concerns the causal order.

    Raises
    ------
    InputError
        If there is no model in it.

    Examples
    --------
    >>> from activa_sim import simulator
    >>> print(report(simulator("gauss-8").sample(100, 30)))
    100 models, 8 variables, 30 rows, 8 queries
    effective rows        ...
    """
    if not batch.obs.size:
        raise InputError(f"obs has shape {batch.obs.shape}; give at least one model")
    obs, interv = batch.obs.astype(np.float64), batch.interv
    graphs = batch.graphs
    effects, z = _changes(obs, interv, batch.targets, paired=bool(batch.config.get("coupled")))
    free = np.maximum((~batch.targets).sum(axis=2), 1)  # (M, Q)
    critical = np.array(
        [NormalDist().inv_cdf(1 - LEVEL / (2 * n)) for n in range(1, free.max() + 1)]
    )
    largest = np.where(np.isnan(z), 0.0, np.abs(z)).max(axis=2)
    M, N, d = obs.shape
    reached = None if graphs is None else _reached(graphs, batch.targets)
    return Report(
        models=M,
        queries=interv.shape[1],
        rows=N,
        variables=d,
        var_sortability=None if graphs is None else sortability(obs.var(axis=1), graphs),
        r2_sortability=None if graphs is None else _r2_sortability(obs, graphs),
        in_degrees=None if graphs is None else graphs.sum(axis=1),
        out_degrees=None if graphs is None else graphs.sum(axis=2),
        reached=reached,
        effects=effects,
        seen=largest > critical[free - 1],
        effective_rows=effective_rows(obs),
        effective_rows_by_means=None if reached is None else _rows_by_means(z, reached, N),
    )


def effective_rows(rows: FloatArray) -> float:
    """N / (1 + 2 sum of autocorrelations) of rows (M, N, d), pooled over models and columns.

    The sum ends before the first pair of neighbouring lags that is negative (Geyer, 1992).
    """
    N = rows.shape[1]
    centred = rows - rows.mean(axis=1, keepdims=True)
    sd = centred.std(axis=1, keepdims=True)
    if N < 4 or not (sd > 0.0).any():
        return float(N)
    z = centred / np.where(sd > 0.0, sd, 1.0)
    share = (sd > 0.0).mean()
    lags = np.array([(z[:, : N - k] * z[:, k:]).mean() / share for k in range(N - 1)])
    lags = (lags + 1.0 / (N - 1)) / (1.0 + 1.0 / (N - 1))  # the mean was estimated, too
    pairs = lags[1 : 1 + (N - 2) // 2 * 2].reshape(-1, 2).sum(axis=1)
    ends = np.nonzero(pairs <= 0.0)[0]
    total = pairs[: ends[0] if ends.size else None].sum()
    return float(N / max(1.0 + 2.0 * total, 1.0))


def _changes(
    obs: FloatArray, interv: NDArray[np.float32], targets: NDArray[np.bool_], *, paired: bool
) -> tuple[FloatArray, FloatArray]:
    """Change of the means in observational deviations, and in standard errors; (M, Q, d) each."""
    mean, sd = obs.mean(axis=1)[:, None], obs.std(axis=1)[:, None]  # (M, 1, d)
    change = np.where(targets, np.nan, interv.mean(axis=2, dtype=np.float64) - mean)
    if paired:
        variance = (interv - obs[:, None]).var(axis=2)
    else:
        variance = sd**2 + interv.var(axis=2, dtype=np.float64)
    error = np.sqrt(variance / max(obs.shape[1] - 1, 1))
    nothing = np.full(change.shape, np.nan)
    effects = np.divide(change, sd, out=nothing.copy(), where=np.broadcast_to(sd > 0, change.shape))
    z = np.divide(change, error, out=nothing, where=error > 0.0)
    certain = (error == 0.0) & (np.abs(change) > 0.0) & (obs.shape[1] > 1)
    return effects, np.where(certain, np.copysign(np.inf, change), z)


def _r2_sortability(obs: FloatArray, graphs: NDArray[np.bool_]) -> FloatArray:
    shares = explained_shares(obs)
    known = np.asarray(np.isfinite(shares).all(axis=1))
    scores = np.where(known[:, None], shares, 0.0)
    return np.where(known, sortability(scores, graphs), np.nan)


def _reached(graphs: NDArray[np.bool_], targets: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a variable is a descendant of a target and none itself, (M, Q, d)."""
    below = np.asarray((targets[..., None] & closure(graphs)[:, None]).any(axis=2))
    return below & ~targets


def _rows_by_means(z: FloatArray, reached: NDArray[np.bool_], rows: int) -> float | None:
    """Compare how means scatter that should stay with what independent rows would give."""
    alone = z[~reached & np.isfinite(z)]
    scatter = float((alone * alone).mean()) if alone.size else 0.0
    return rows / max(scatter, 1.0) if scatter > 0.0 else None


def _average(numbers: FloatArray) -> str:
    known = numbers[np.isfinite(numbers)]
    return f"{known.mean():.2f}" if known.size else "unknown"
