"""Ask about pairs whose direction the data cannot tell: both answers should show, half and half.

In a standardised linear Gaussian pair, X -> Y and Y -> X give the same observations. With either
direction equally likely, p(Y | do(X = v)) is the equal mixture of "Y follows" and "Y stays".
"""

import sys
from pathlib import Path
from statistics import NormalDist

import numpy as np
from activa_core import Activa
from activa_sim import simulator
from matplotlib.figure import Figure

PREDICTION, EXACT, INK = "#0b6fa4", "#d9730d", "#1f2933"
CORRELATION = 0.75  # strong enough that "no edge" is out of the question

model = Activa.from_pretrained("general-2")
batch = simulator("linear-gaussian-2").sample(2000, 100, seed=0, split="test")
obs = np.asarray(batch.obs, dtype=np.float64)
rho = np.array([np.corrcoef(rows.T)[0, 1] for rows in obs])  # (M,)
far = np.nanmax(np.abs(batch.values), axis=2) > 1.5  # (M, Q): a query that can show it
chosen = [(m, q) for m, q in np.argwhere(far) if abs(rho[m]) > CORRELATION]

figure = Figure(figsize=(9.5, 5.4), dpi=150, layout="constrained")
axes = figure.subplots(2, 3, sharey=True).ravel()
moves = []
for i, (m, q) in enumerate(chosen[:200]):
    target, outcome = (0, 1) if batch.targets[m, q, 0] else (1, 0)
    value = float(batch.values[m, q, target])
    effect = model.intervene(obs[m], do={target: value}, draws=200)
    mean, sd = obs[m].mean(axis=0), obs[m].std(axis=0, ddof=1)
    score = (value - mean[target]) / sd[target]
    follows = NormalDist(mean[outcome] + rho[m] * score * sd[outcome],
                         sd[outcome] * np.sqrt(1 - rho[m] ** 2))  # fmt: skip
    # the share of the draws nearer to "follows" than to "stays"
    halfway = 0.5 * abs(rho[m] * score)
    moves.append(effect.prob_moves(outcome, threshold=halfway))
    if i >= len(axes):
        continue
    grid = mean[outcome] + sd[outcome] * np.linspace(-4.5, 4.5, 400)
    rows = np.full((400, 2), value)
    rows[:, outcome] = grid
    stays = NormalDist(mean[outcome], sd[outcome])
    predicted = np.exp(effect.log_prob(rows))
    exact = [(stays.pdf(y) + follows.pdf(y)) / 2 for y in grid]
    axes[i].fill_between(grid, predicted, color=PREDICTION, alpha=0.3, lw=0)
    axes[i].plot(grid, predicted, color=PREDICTION, label="prediction")
    axes[i].plot(grid, exact, "--", color=EXACT, label="both directions, half and half")
    title = f"r = {rho[m]:+.2f}, do(X = {score:+.1f} sd): follows {moves[-1]:.2f}"
    axes[i].set_title(title, fontsize=9, color=INK)
    axes[i].spines[["top", "right"]].set_visible(False)
    axes[i].set_yticks([])
axes[0].legend(frameon=False, fontsize=8, loc="upper left")
figure.supxlabel("the other variable")
figure.supylabel("density")

weights = np.array(moves)
print(f"share of the draws that follow, over {len(weights)} such queries: mean {weights.mean():.3f}, "
      f"middle half {np.quantile(weights, 0.25):.2f} to {np.quantile(weights, 0.75):.2f} "
      f"(exact: 0.5)")  # fmt: skip
out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/unknown_direction.png")
out.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(out)
print(f"drew {out}")
