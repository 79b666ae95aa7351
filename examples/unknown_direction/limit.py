"""How well can one answer? The exact posterior of pairs known to be linear and Gaussian.

It knows the law of linear-gaussian-2 (an edge with probability 0.8, either way; R2 uniform from 0.05 to
0.95) and nothing of the units, like a general model, and unlike it knows that nothing else can occur.
"""

import sys

import numpy as np
from activa_core import Activa
from activa_eval import Predictor, compare, hedge, score
from activa_sim import simulator

DRAWS = 1000
EDGE, LOW, HIGH = 0.8, 0.05, 0.95
UP = np.linspace(LOW, HIGH, 150) ** 0.5
RHO = np.concatenate([-UP[::-1], UP])
RATIO = np.linspace(-2.0, 2.0, 161)  # log of sd / sd over that of the data


def correlations(r: float, N: int) -> tuple[np.ndarray, np.ndarray]:
    """Log of p(r, ratio | rho) up to a constant, for RHO (300, 161) and for rho = 0 (161,).

    Jeffreys (1961): with flat priors on the means and log scales it is (1 - rho^2)^((N - 1) / 2)
    (cosh ratio - rho r)^-(N - 1). RHO is even in R2, so each has the same prior weight.
    """
    cosh = np.cosh(RATIO)
    rho = RHO[:, None]
    edge = (N - 1) / 2 * np.log1p(-(rho**2)) - (N - 1) * np.log(cosh - rho * r)
    return edge, -(N - 1) * np.log(cosh)


class Answer:
    """Posterior draws of the law of the column that is not set, each a Gaussian."""

    def __init__(self, obs: np.ndarray, targets: np.ndarray, values: np.ndarray, seed: int) -> None:
        rng, N = np.random.default_rng(seed), len(obs)
        shift, scale = obs.mean(axis=0), obs.std(axis=0, ddof=1)
        t, o = int(targets.argmax()), int(targets.argmin())
        z = (obs - shift) / scale
        r = float(z[:, 0] @ z[:, 1]) / (N - 1)
        edge, none = correlations(r, N)
        edge, none = edge + np.log(EDGE / len(RHO)), none + np.log(1 - EDGE)
        weights = np.exp(np.concatenate([edge.ravel(), none]) - max(edge.max(), none.max()))
        chosen = rng.choice(len(weights), DRAWS, p=weights / weights.sum())
        rho = np.append(np.repeat(RHO, len(RATIO)), np.zeros(len(RATIO)))[chosen]
        ratio = RATIO[chosen % len(RATIO)]  # log(sd of o / sd of t)
        rate = (N - 1) * (np.cosh(ratio) - rho * r) / (1 - rho**2)
        size = np.sqrt(rate / rng.gamma(N - 1, size=DRAWS))  # geometric mean of the two sds
        sd_o, sd_t = size * np.exp(ratio / 2), size * np.exp(-ratio / 2)
        first, second = rng.normal(size=(2, DRAWS)) / np.sqrt(N)
        mean_t, mean_o = sd_t * first, sd_o * (rho * first + np.sqrt(1 - rho**2) * second)
        v = (values[t] - shift[t]) / scale[t]
        follows = rng.random(DRAWS) < 0.5
        slope = np.where(follows, rho * sd_o / sd_t, 0.0)
        self.mean = shift[o] + scale[o] * (mean_o + slope * (v - mean_t))
        self.sd = scale[o] * sd_o * np.where(follows, np.sqrt(1 - rho**2), 1.0)
        self.value, self.t, self.o = values[t], t, o

    def sample(self, n: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        k = rng.integers(DRAWS, size=n)
        rows = np.full((n, 2), self.value, dtype=np.float64)
        rows[:, self.o] = rng.normal(self.mean[k], self.sd[k])
        return rows

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        z = (np.asarray(rows)[:, self.o, None] - self.mean) / self.sd
        density = np.exp(-(z**2) / 2) / (self.sd * np.sqrt(2 * np.pi))
        return np.asarray(np.log(density.mean(axis=1)))


models = int(sys.argv[1]) if len(sys.argv) > 1 else 500
model = Activa.from_pretrained("general-2")
predictors: dict[str, Predictor] = {
    "general-2": model.predictor(),
    "exact posterior": Answer,
    "hedge": hedge,
}
for N in (20, 100, 500):
    batch = simulator("linear-gaussian-2").sample(models, N, seed=1, split="test")
    scores = {name: score(predictor, batch) for name, predictor in predictors.items()}
    for row in compare(scores, versus="hedge"):
        if row.group is None and row.queries == "all" and row.metric in ("energy_distance", "nll"):
            less = row.difference
            beside = (
                f", less hedge {less.mean:+.4f} [{less.low:+.4f}, {less.high:+.4f}]" if less else ""
            )
            print(f"{N:4d} rows  {row.metric:16s} {row.name:16s} {row.estimate.mean:.3f}{beside}")
