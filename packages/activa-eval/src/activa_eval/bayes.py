"""The best possible answer on two-variable linear Gaussian models whose law is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import BoolArray, FloatArray, to_float
from activa_eval.baselines import query_of
from activa_eval.errors import InputError
from activa_eval.gaussian import normal_cdf

NODES = 64  # of the Gauss-Legendre rule on each band of weights
REACH = 8.0  # posterior standard deviations; what lies beyond has no weight in float64


@dataclass(frozen=True)
class BayesPair:
    """The exact posterior prediction for V_cause -> V_effect, either way, or no edge at all.

    V_cause = noise, V_effect = b V_cause + noise, with noises N(noise_mean, noise_sd^2) and
    b ~ Uniform([-high, -low] u [low, high]). Each ordered pair is an edge with probability
    `edge_probability`, and one of two opposite edges goes at random. The defaults are the paper's
    gauss-2. On average over models of that law, no predictor has a smaller `nll`.

    Call it as any predictor: `score(bayes_pair, batch)`. Parameters and errors of the call as
    `no_change`; moreover an InputError if there are not two columns or both are set.

    Parameters
    ----------
    edge_probability : float
    low, high : float
        Bounds of |b|.
    noise_mean, noise_sd : float
        In the units of the data.
    target_sd : float
        By how much the rows of a target scatter around the value it is set to.

    Raises
    ------
    InputError
        If these are no probability, no bounds or no deviations.

    Examples
    --------
    >>> import numpy as np
    >>> from activa_eval import bayes_pair
    >>> cause = 0.5 * np.random.default_rng(0).standard_normal(40)
    >>> obs = np.stack([cause, 1.5 * cause + 0.5 * np.random.default_rng(1).normal(size=40)], 1)
    >>> bayes_pair(obs, [True, False], [5.0, np.nan], 0).effect_probability > 0.9
    True
    >>> bayes_pair(obs, [False, True], [np.nan, 5.0], 0).effect_probability > 0.9
    False
    """

    edge_probability: float = 0.3
    low: float = 0.5
    high: float = 2.0
    noise_mean: float = 0.0
    noise_sd: float = 0.5
    target_sd: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what is no law."""
        if not 0.0 < self.edge_probability < 1.0 or not 0.0 <= self.low < self.high < math.inf:
            raise InputError("give 0 < edge_probability < 1 and 0 <= low < high")
        if not 0.0 < self.noise_sd < math.inf or not 0.0 <= self.target_sd < math.inf:
            raise InputError("give noise_sd > 0 and target_sd >= 0")

    def __call__(
        self,
        obs: npt.ArrayLike,
        targets: npt.ArrayLike,
        values: npt.ArrayLike,
        seed: int,  # noqa: ARG002 - the protocol's
    ) -> PairPrediction:
        """Weigh the three graphs and all weights b by the (N, 2) observations."""
        rows, target, value = query_of(obs, targets, values)
        if rows.shape[1] != 2 or target.all():
            raise InputError(
                f"bayes_pair was asked to set {target.sum()} of {rows.shape[1]} columns; "
                "give it two columns and set one"
            )
        set_column, other = rows[:, int(target.argmax())], rows[:, int(target.argmin())]
        slopes, from_target = self._posterior(set_column, other)
        _, from_other = self._posterior(other, set_column)
        one_way = self.edge_probability * (1.0 - self.edge_probability / 2.0)
        no_edge = math.log1p(-2.0 * one_way) + self._log_density(other - self.noise_mean)
        no_edge += self._log_density(set_column - self.noise_mean)
        evidence = np.concatenate(
            [from_target + math.log(one_way), from_other + math.log(one_way), [no_edge]]
        )
        weights = np.exp(evidence - np.logaddexp.reduce(evidence))
        effect = weights[: len(slopes)]
        return PairPrediction(target, value, slopes, effect, self)

    def _posterior(self, cause: FloatArray, effect: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Nodes b of the rule, and the log of their share of p(D | cause -> effect), (K,) each."""
        shifted = effect - self.noise_mean
        spread = max(float(cause @ cause), 1e-300)
        best, sd = float(cause @ shifted) / spread, self.noise_sd / math.sqrt(spread)
        at, size = _rule()
        nodes, lengths = [], []
        for low, high in ((-self.high, -self.low), (self.low, self.high)):
            peak = min(max(best, low), high)
            # beside the band the posterior falls like an exponential, faster than at its peak
            reach = REACH * sd / max(1.0, abs(best - peak) / (5.0 * sd))
            ends = max(low, peak - reach), min(high, peak + reach)
            nodes.append((ends[0] + ends[1]) / 2.0 + (ends[1] - ends[0]) / 2.0 * at)
            lengths.append((ends[1] - ends[0]) / 2.0 * size)
        slopes = np.concatenate(nodes)
        prior = np.log(np.concatenate(lengths)) - math.log(2.0 * (self.high - self.low))
        rest = self._log_density(shifted - best * cause)
        likelihood = rest - ((slopes - best) / sd) ** 2 / 2.0
        return slopes, likelihood + prior + self._log_density(cause - self.noise_mean)

    def _log_density(self, noise: FloatArray) -> float:
        """Log density of a sample of centred noises."""
        log_norm = math.log(2.0 * math.pi) / 2.0 + math.log(self.noise_sd)
        return float(-((noise / self.noise_sd) ** 2).sum() / 2.0 - len(noise) * log_norm)


@dataclass(frozen=True)
class PairPrediction:
    """What the other of two columns does when one is set: stays, or follows with some slope."""

    targets: BoolArray  # (2,)
    values: FloatArray  # (2,)
    slopes: FloatArray  # (K,)
    weights: FloatArray  # (K,) posterior probability of each slope; the rest: no effect
    law: BayesPair

    @property
    def effect_probability(self) -> float:
        """Posterior probability that the target is the cause."""
        return float(self.weights.sum())

    def sample(self, n: int, seed: int) -> FloatArray:
        """Draw (n, 2) rows, the target with its scatter."""
        rng = np.random.default_rng(seed)
        slopes, shares = self._hypotheses()
        slope = slopes[np.searchsorted(np.cumsum(shares)[:-1], rng.random(n), side="right")]
        scatter, noise = rng.standard_normal((2, n))
        target = self.values[self.targets] + self.law.target_sd * scatter
        other = slope * target + self.law.noise_mean + self.law.noise_sd * noise
        return np.asarray(np.where(self.targets, target[:, None], other[:, None]))

    def log_prob(self, rows: npt.ArrayLike) -> FloatArray:
        """Log density of the free column of (n, 2) rows."""
        z, sd, shares = self._standardised(rows)
        with np.errstate(divide="ignore"):  # a slope without weight
            terms = np.log(shares / sd) - z**2 / 2.0
        return np.asarray(np.logaddexp.reduce(terms, axis=1) - math.log(2.0 * math.pi) / 2.0)

    def cdf(self, rows: npt.ArrayLike) -> FloatArray:
        """Marginal distribution function at (n, 2) rows; a step at the value of the target."""
        at = to_float(rows, "rows")
        z, _, shares = self._standardised(at)
        free = normal_cdf(z) @ shares
        return np.where(self.targets, (at >= self.values).astype(np.float64), free[:, None])

    def _hypotheses(self) -> tuple[FloatArray, FloatArray]:
        """Every slope and its probability, with slope 0 for no effect."""
        rest = max(0.0, 1.0 - self.effect_probability)
        return np.append(self.slopes, 0.0), np.append(self.weights, rest)

    def _standardised(self, rows: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Free column of (n, 2) rows in units of each hypothesis (n, K + 1), their sds, shares."""
        slopes, shares = self._hypotheses()
        sd = np.hypot(self.law.noise_sd, slopes * self.law.target_sd)
        mean = slopes * self.values[self.targets] + self.law.noise_mean
        return (to_float(rows, "rows")[:, ~self.targets] - mean) / sd, sd, shares


@cache
def _rule() -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of the Gauss-Legendre rule on [-1, 1]; they take long to find."""
    at, size = np.polynomial.legendre.leggauss(NODES)
    return np.asarray(at), np.asarray(size)


bayes_pair = BayesPair()
