from functools import partial
from typing import Any

import numpy as np
import pytest
from activa_eval import InputError, mmd_test, power
from scipy import stats


def shifted(rng: np.random.Generator, by: float = 0.0, n: int = 20) -> Any:
    return rng.standard_normal((n, 1)), rng.standard_normal((n, 1)) + by


def test_under_equal_laws_power_is_the_level() -> None:
    found = power(shifted, n_trials=600, n_permutations=39, level=0.1, seed=1)
    assert abs(found.share - 0.1) < 4 * np.sqrt(0.09 / 600)


@pytest.mark.parametrize("test", [None, partial(mmd_test, bandwidth=1.0)])
def test_power_grows_with_the_shift_and_with_the_rows(test: Any) -> None:
    options = {"n_trials": 100, "n_permutations": 39} | ({} if test is None else {"test": test})
    weak = power(partial(shifted, by=0.5), **options).share
    assert weak < power(partial(shifted, by=1.5), **options).share
    assert weak < power(partial(shifted, by=0.5, n=80), **options).share


def test_the_interval_is_that_of_wilson() -> None:
    found = power(partial(shifted, by=0.7), n_trials=50, n_permutations=19)
    wilson = stats.binomtest(round(50 * found.share), 50).proportion_ci(method="wilson")
    np.testing.assert_allclose([found.low, found.high], [wilson.low, wilson.high], rtol=1e-9)


def test_the_same_seed_draws_the_same_trials() -> None:
    draws = [power(partial(shifted, by=0.7), n_trials=20, seed=s) for s in (3, 3, 4)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_permutations": 9}, "9 permutations never give p <= 0.05"),
        ({"n_trials": 0}, "n_trials is 0"),
        ({"draw": lambda _: (np.full((3, 1), np.nan), np.zeros((3, 1)))}, "in trial 0"),
        ({"draw": lambda rng: shifted(rng, n=int(rng.integers(3, 9)))}, "draw is not an array"),
    ],
    ids=["level", "trials", "missing", "ragged"],
)
def test_trials_that_cannot_tell_anything_are_refused(options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        power(**({"draw": shifted} | options))
