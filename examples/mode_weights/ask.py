"""Does a mode's weight mean what it says? The weight of "it moves" beside the exact posterior.

In the paper's gauss-2 a variable that is set moves the other or it does not, and 40 rows often leave
that open. Whoever knows the law of the simulator can weigh the three graphs by Bayes' rule: no edge,
V1 -> V2, V2 -> V1. A model has learned the law, if at all, from examples.
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from activa_core import Activa
from activa_eval import bayes_pair
from activa_sim import simulator
from matplotlib.figure import Figure
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
MODEL, EXACT, GRAY = "#0b6fa4", "#d9730d", "#9aa5b1"
HALF = 1.25  # half of the smallest effect, 0.5 * 5: nearer to "moves" than to "stays"
EDGES = np.array([0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0])
OPEN = (0.05, 0.95)  # posteriors between which the rows leave the question open
DRAWS = 200


def asked(models: int) -> tuple[Numbers, Numbers, Numbers]:
    """The model's weight, the posterior and whether it truly moves, each (M, 2)."""
    model = Activa.from_pretrained("gauss-2")
    batch = simulator("gauss-2").sample(models, 40, seed=0, split="test")
    assert batch.graphs is not None
    weight, exact, moves = np.zeros((3, *batch.targets.shape[:2]))
    for m, q in np.ndindex(weight.shape):
        obs, targets, values = batch.obs[m], batch.targets[m, q], batch.values[m, q]
        target, other = int(targets.argmax()), int(targets.argmin())
        effect = model.intervene(obs, do={target: float(values[target])}, draws=DRAWS)
        sd = obs[:, other].std(ddof=1)
        weight[m, q] = effect.prob_moves(other, threshold=HALF / float(sd))
        exact[m, q] = bayes_pair(obs, targets, values, 0).effect_probability
        moves[m, q] = batch.graphs[m, target, other]
    return weight, exact, moves


def interval(per_query: Numbers) -> str:
    """Mean over queries with its 95 % bootstrap interval over models; NaN: does not count."""
    counts = np.random.default_rng(0).multinomial(
        len(per_query), np.full(len(per_query), 1 / len(per_query)), size=2000
    )
    there = ~np.isnan(per_query)
    means = counts @ np.nansum(per_query, axis=1) / (counts @ there.sum(axis=1))
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{np.nanmean(per_query):.4f} [{low:.4f}, {high:.4f}]"


def by_bins(said: Numbers, moves: Numbers) -> Numbers:
    """Queries, mean said, share that moves, and its interval, (bins, 5); NaN where none are."""
    place = np.digitize(said.ravel(), EDGES[1:-1])
    found = np.full((len(EDGES) - 1, 5), np.nan)
    for k in range(len(found)):
        here = place == k
        n, moved = int(here.sum()), float(moves.ravel()[here].sum())
        found[k, 0] = n
        if n:
            found[k, 1:] = said.ravel()[here].mean(), moved / n, *wilson(moved, n)
    return found


def wilson(moved: float, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    z2 = 1.96**2
    center = (moved + z2 / 2) / (n + z2)
    half = np.sqrt(z2) * np.sqrt(moved * (n - moved) / n + z2 / 4) / (n + z2)
    return float(center - half), float(center + half)


def error_of_bins(found: Numbers) -> float:
    """Mean distance between what is said and what comes true, weighted by queries."""
    n, said, share, _, _ = found.T
    return float(np.nansum(n * np.abs(said - share)) / n.sum())


models = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
weight, exact, moves = asked(models)
apart = np.abs(weight - exact)
is_open = (exact > OPEN[0]) & (exact < OPEN[1])
said = {"gauss-2": weight, "exact posterior": exact}
bins = {name: by_bins(numbers, moves) for name, numbers in said.items()}

print(f"{models} models of gauss-2, test split, 40 rows, both queries, {DRAWS} draws.\n")
print("| | gauss-2 | exact posterior |\n|---|---|---|")
print(f"| mean distance of the weight to the posterior | {interval(apart)} | 0 |")
print(f"| the same where the posterior is between {OPEN[0]} and {OPEN[1]} ({is_open.sum()} queries) | "
      f"{interval(np.where(is_open, apart, np.nan))} | 0 |")  # fmt: skip
brier = {name: (numbers - moves) ** 2 for name, numbers in said.items()}
print(f"| Brier score | {interval(brier['gauss-2'])} | {interval(brier['exact posterior'])} |")
print(f"| calibration error over the bins below | {error_of_bins(bins['gauss-2']):.4f} | "
      f"{error_of_bins(bins['exact posterior']):.4f} |")  # fmt: skip
print("\n| it moves with probability | gauss-2: queries, said, true | exact: queries, said, true |")
print("|---|---|---|")
for k, (low, high) in enumerate(pairwise(EDGES)):
    cells = (f"{n:.0f}, {mean:.3f}, {share:.3f} [{least:.3f}, {most:.3f}]"
             for n, mean, share, least, most in (bins[name][k] for name in said))  # fmt: skip
    print(f"| {low:g} to {high:g} | {' | '.join(cells)} |")

figure = Figure(figsize=(9.0, 4.4), dpi=150, layout="constrained")
left, right = figure.subplots(1, 2)
for truth, color, label in ((1.0, EXACT, "it truly moves"), (0.0, MODEL, "it truly stays")):
    chosen = moves == truth
    left.plot(exact[chosen], weight[chosen], ".", color=color, ms=4, alpha=0.5, label=label)
left.set(xlabel="exact posterior of “it moves”", ylabel="weight that gauss-2 gives it")
for (name, found), color in zip(bins.items(), (MODEL, EXACT), strict=True):
    n, mean, share, least, most = found[found[:, 0] > 0].T
    right.errorbar(mean, share, (share - least, most - share), color=color, marker="o", ms=4,
                   capsize=2, label=name)  # fmt: skip
right.set(xlabel="stated probability that it moves", ylabel="share that truly moves")
for panel in (left, right):
    panel.plot([0, 1], [0, 1], "--", color=GRAY, lw=1, zorder=0)
    panel.legend(frameon=False, fontsize=8)
    panel.spines[["top", "right"]].set_visible(False)
out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/mode_weights.png")
out.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(out)
print(f"\ndrew {out}")
