"""The picture of an answer: the data, the prediction and, for contrast, the plain conditional."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_core.errors import InputError
from activa_core.figures import new_figure, write_figure
from activa_core.tables import Column, FloatArray

if TYPE_CHECKING:
    from activa_core.effect import InterventionalDistribution

__all__ = ["plot_effect"]

DATA, PREDICTION, CONDITIONAL, INK = "#9aa5b1", "#0b6fa4", "#d9730d", "#1f2933"
SEEN, DONE = "plain conditional: seeing the value", "prediction: setting the value"
ROWS, MEANS = "90 % of new rows", "90 % interval of the mean, and the mean"
BUTT = {"solid_capstyle": "butt"}  # a round cap would lengthen an interval
FORMATS = (".pdf", ".png", ".svg")
GRID = 400  # points of a density
ENDS = (1e-3, 1 - 1e-3)  # the quantiles between which a density is drawn
NARROWEST = 1e-3  # spread of the conditional in observed standard deviations; a line still shows


def plot_effect(effect: "InterventionalDistribution", path: str | Path) -> None:
    """Draw an answer into a file.

    Two columns give a scatter of the data with the predicted density standing at the do-value;
    more columns give one panel for each outcome. Both show `row_interval` and `mean_interval` at
    90 %, and the Gaussian fitted to the data and conditioned on the value: what a reader would
    expect who took seeing for doing.

    Parameters
    ----------
    effect : InterventionalDistribution
    path : str or Path
        Ends in .png, .pdf or .svg; written in full or not at all.

    Raises
    ------
    InputError
        If matplotlib is missing, nothing is left to draw, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"cannot draw into {path}; let the name end in {', '.join(FORMATS)}")
    if not effect.outcomes:
        raise InputError("every column is set or fixed, so there is nothing to draw")
    if len(effect.columns) == 2 and effect.do.keys() < set(effect.columns):
        figure = new_figure(figsize=(7.5, 5.2), dpi=150)
        _scatter(effect, figure.add_subplot())
    else:
        across = math.ceil(math.sqrt(len(effect.outcomes)))
        down = math.ceil(len(effect.outcomes) / across)
        size = (max(6.4, 3.6 * across), 2.9 * down + 1.1)
        figure = new_figure(figsize=size, dpi=150)
        for place, column in enumerate(effect.outcomes, start=1):
            _panel(effect, column, figure.add_subplot(down, across, place))
    figure.set_layout_engine("constrained", h_pad=0.1, w_pad=0.1)
    do = ", ".join(f"{_plain(column)} = {value:g}" for column, value in effect.do.items())
    figure.suptitle(f"do({do})", x=0.02, ha="left", color=INK, fontsize=14, fontweight="bold")
    handles = dict(zip(*figure.axes[0].get_legend_handles_labels()[::-1], strict=True))
    figure.legend(
        handles.values(), handles, loc="outside lower center", ncols=2, frameon=False, fontsize=9
    )
    try:
        write_figure(figure, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another place") from error


def _scatter(effect: "InterventionalDistribution", axes: Any) -> None:
    """One outcome against the one target; half a violin for each law at the do-value."""
    ((target, value),), (outcome,) = effect.do.items(), effect.outcomes
    x, y = _observed(effect, target), _observed(effect, outcome)
    laws = [_conditional(effect, outcome), _predicted(effect, outcome)]
    span = max(x.max(), value) - min(x.min(), value)
    peak = max(density.max() for _, density in laws)
    width = 0.16 * span / peak
    axes.axvline(value, color=INK, linewidth=0.8, linestyle=":", zorder=1)
    axes.scatter(x, y, s=16, color=DATA, alpha=0.6, linewidths=0, label="data", zorder=2)
    styles = ((SEEN, CONDITIONAL, -width), (DONE, PREDICTION, width))
    for (grid, density), (name, color, side) in zip(laws, styles, strict=True):
        edge = value + side * density
        axes.fill_betweenx(grid, value, edge, color=color, alpha=0.25, linewidth=0, zorder=3)
        axes.plot(edge, grid, color=color, linewidth=1.5, label=name, zorder=4)
    rows, means, center = _intervals(effect, outcome)
    axes.plot([value] * 2, rows, color=PREDICTION, linewidth=1.8, label=ROWS, zorder=5)
    axes.plot([value] * 2, means, color=PREDICTION, linewidth=6, label=MEANS, zorder=6, **BUTT)
    axes.plot([value], [center], "o", color="white", markeredgecolor=INK, markersize=5, zorder=7)
    # room for both halves, whichever side of the data the value lies on
    axes.set_xlim(min(x.min(), value - 0.18 * span) - 0.03 * span,
                  max(x.max(), value + 0.18 * span) + 0.03 * span)  # fmt: skip
    axes.set_title(_numbers(effect, outcome), loc="left", color=INK, fontsize=9)
    _dress(axes, _plain(target), _plain(outcome))


def _panel(effect: "InterventionalDistribution", column: Column, axes: Any) -> None:
    """Histogram of an outcome in the data under the laws that answer the query."""
    observed = _observed(effect, column)
    axes.hist(observed, bins="auto", density=True, color=DATA, alpha=0.5, label="data")
    # a marginal may have lost the target, and a constant column has no conditional density
    if effect.do.keys() <= set(effect.columns) and np.ptp(observed) > 0.0:
        axes.plot(*_conditional(effect, column), "--", color=CONDITIONAL, linewidth=1.6, label=SEEN)
    grid, density = _predicted(effect, column)
    axes.plot(grid, density, color=PREDICTION, linewidth=1.6, label=DONE)
    axes.fill_between(grid, density, color=PREDICTION, alpha=0.2, linewidth=0)
    rows, means, center = _intervals(effect, column)
    low = -0.07 * axes.get_ylim()[1]  # a strip of its own under the densities
    axes.plot(rows, [low] * 2, color=PREDICTION, linewidth=1.8, label=ROWS)
    axes.plot(means, [low] * 2, color=PREDICTION, linewidth=6, label=MEANS, **BUTT)
    axes.plot([center], [low], "o", color="white", markeredgecolor=INK, markersize=4, zorder=7)
    axes.set_ylim(bottom=2 * low)
    axes.set_yticks([])
    axes.set_title(_numbers(effect, column), loc="left", color=INK, fontsize=8)
    _dress(axes, _plain(column), "")


def _observed(effect: "InterventionalDistribution", column: Column) -> FloatArray:
    observed: FloatArray = effect.observed.rows[:, effect.columns.index(column)]
    return observed


def _predicted(
    effect: "InterventionalDistribution", column: Column
) -> tuple[FloatArray, FloatArray]:
    """Grid and density of an outcome under the prediction."""
    law = effect.as_arrays().marginal(column)
    low, high = law.quantile(ENDS)[:, 0]
    grid = np.linspace(low, high, GRID)
    return grid, np.exp(law.log_prob(grid[:, None]))


def _conditional(
    effect: "InterventionalDistribution", column: Column
) -> tuple[FloatArray, FloatArray]:
    """Grid and density of an outcome under the Gaussian of the data given the held values."""
    held = {**effect.do, **effect.fixed}
    at = [effect.columns.index(c) for c in held]
    j, rows = effect.columns.index(column), effect.observed.rows
    mean, cov = rows.mean(axis=0), np.cov(rows.T)
    slope = cov[j, at] @ np.linalg.pinv(cov[np.ix_(at, at)], hermitian=True)
    center = mean[j] + slope @ (np.array(list(held.values())) - mean[at])
    spread = math.sqrt(max(cov[j, j] - slope @ cov[at, j], NARROWEST**2 * cov[j, j]))
    scores = np.linspace(-3.1, 3.1, GRID)
    density = np.exp(-(scores**2) / 2) / (spread * math.sqrt(2 * math.pi))
    return center + spread * scores, density


def _intervals(
    effect: "InterventionalDistribution", column: Column
) -> tuple[FloatArray, FloatArray, float]:
    """Row interval, mean interval and mean."""
    plain, j = effect.as_arrays(), effect.columns.index(column)
    return plain.row_interval()[j], plain.mean_interval()[j], float(plain.mean()[j])


def _numbers(effect: "InterventionalDistribution", column: Column) -> str:
    before, after = _observed(effect, column).mean(), _intervals(effect, column)[2]
    moves = effect.prob_moves(column)
    return f"mean {_short(before)} → {_short(after)}, moves with probability {moves:.2f}"


def _short(value: float) -> str:
    """Three significant digits, without an exponent."""
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")


def _plain(column: Column) -> str:
    """Name of a column, in which a dollar sign does not start a formula."""
    return str(column).replace("$", r"\$")


def _dress(axes: Any, x: str, y: str) -> None:
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)
