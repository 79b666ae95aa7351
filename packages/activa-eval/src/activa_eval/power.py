"""How often a test finds a difference that is there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import to_float, whole
from activa_eval.errors import InputError
from activa_eval.permutation import PermutationResult, energy_test

Z = 1.959963984540054  # of a 95 % interval


class PermutationTest(Protocol):
    """What `energy_test` and `mmd_test` are."""

    def __call__(
        self, x: npt.ArrayLike, y: npt.ArrayLike, *, n_permutations: int, seed: int
    ) -> PermutationResult:
        """Test pairs of samples, batched over their leading axes."""
        ...


class Power(NamedTuple):
    """The share of trials with p <= level, with its 95 % interval (Wilson, 1927)."""

    share: float
    low: float
    high: float


def power(
    draw: Callable[[np.random.Generator], tuple[npt.ArrayLike, npt.ArrayLike]],
    *,
    test: PermutationTest = energy_test,
    level: float = 0.05,
    n_trials: int = 200,
    n_permutations: int = 199,
    seed: int = 0,
) -> Power:
    """Estimate how often a permutation test rejects; under equal laws that is its level.

    Parameters
    ----------
    draw : callable (generator) -> (x, y)
        Draws one pair of samples, always (n, d) and (m, d): from two laws, or from pilot data.
    test : callable
        `energy_test`, `mmd_test`, or one like them.
    level : float
        Rejects at p <= level, which `n_permutations` must be able to reach.
    n_trials, n_permutations, seed : int
        Pairs drawn, permutations of each, and what draws all of them.

    Raises
    ------
    InputError
        If the level cannot be reached, a pair has a non-finite entry, or pairs differ in shape.

    Examples
    --------
    >>> import numpy as np
    >>> pilot_x, pilot_y = np.random.default_rng(0).standard_normal((2, 50, 1)) + [[[0.0]], [[1.0]]]
    >>> found = power(lambda rng: (rng.choice(pilot_x, 40), rng.choice(pilot_y, 40)), n_trials=50)
    >>> found.share > 0.9
    True
    """
    n_trials = whole(n_trials, "n_trials", 1)
    n_permutations = whole(n_permutations, "n_permutations", 1)
    if not 1.0 / (n_permutations + 1) <= level < 1.0:
        raise InputError(
            f"{n_permutations} permutations never give p <= {level}; give at least 1 / level - 1"
        )
    rng = np.random.default_rng(whole(seed, "seed", 0))
    pairs = [draw(rng) for _ in range(n_trials)]
    x, y = (to_float([to_float(pair[k], "draw") for pair in pairs], "draw") for k in (0, 1))
    p_value = test(x, y, n_permutations=n_permutations, seed=int(rng.integers(2**32))).p_value
    if np.isnan(p_value).any():
        raise InputError(f"draw gave a non-finite entry in trial {np.isnan(p_value).argmax()}")
    return _wilson(float(np.mean(p_value <= level)), n_trials)


def _wilson(share: float, n: int) -> Power:
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return Power(share, max(0.0, centre - half), min(1.0, centre + half))
