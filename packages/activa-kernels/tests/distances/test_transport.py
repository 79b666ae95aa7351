from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import ot
import pytest
from activa_kernels import InputError, native_available
from activa_kernels.distances import transport_cost, wasserstein_power
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]
NAMES = ["native", "reference"] if native_available() else ["reference"]


@pytest.fixture(params=NAMES)
def implementation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", request.param)


def samples(n: int, m: int, d: int, seed: int) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(0.5, 2, size=(m, d))
    return x, y, rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))


@pytest.mark.usefixtures("implementation")
@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 7), (7, 1), (40, 40), (30, 65), (65, 30)])
@pytest.mark.parametrize("seed", range(3))
def test_unequal_masses_agree_with_pot(n: int, m: int, seed: int) -> None:
    x, y, a, b = samples(n, m, 3, seed)
    exact = ot.emd2(a, b, cdist(x, y))
    np.testing.assert_allclose(transport_cost(cdist(x, y), a, b), exact, rtol=1e-9)


@pytest.mark.usefixtures("implementation")
@pytest.mark.parametrize("n", [1, 2, 7, 40, 65])
@pytest.mark.parametrize("seed", range(3))
def test_equal_masses_agree_with_the_assignment_of_scipy(n: int, seed: int) -> None:
    x, y, _, _ = samples(n, n, 2, seed)
    cost = cdist(x, y)
    rows, columns = linear_sum_assignment(cost)
    np.testing.assert_allclose(transport_cost(cost), cost[rows, columns].mean(), rtol=1e-9)


@pytest.mark.usefixtures("implementation")
@pytest.mark.parametrize(("shift", "scale"), [(1e6, 1e-2), (0, 1e-300), (0, 1e60)])
def test_costs_that_float32_cannot_tell_apart_agree_with_pot(shift: float, scale: float) -> None:
    x, y, a, b = samples(50, 60, 3, 0)
    cost = cdist(x, y)
    beyond = (transport_cost(shift + scale * cost, a, b) - shift) / scale
    np.testing.assert_allclose(beyond, ot.emd2(a, b, cost), rtol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_ties_zero_masses_and_negative_costs_agree_with_pot(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(2, 20, size=2)
    cost = rng.integers(-2, 3, size=(n, m)).astype(np.float64)  # a handful of distinct values
    a, b = rng.integers(0, 4, size=n) + 0.0, rng.integers(0, 4, size=m) + 0.0
    a[0] += 1
    b[-1] += 1
    a, b = a / a.sum(), b / b.sum()
    np.testing.assert_allclose(transport_cost(cost, a, b), ot.emd2(a, b, cost), atol=1e-9)


def test_in_one_dimension_it_is_the_distance_of_the_sorted_samples() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=300), rng.normal(1, 2, size=300)
    exact = np.abs(np.sort(x) - np.sort(y)).mean()
    np.testing.assert_allclose(transport_cost(np.abs(x[:, None] - y)), exact, rtol=1e-12)


@pytest.mark.usefixtures("implementation")
def test_leading_axes_broadcast_and_a_nan_spoils_its_own_pair_only() -> None:
    rng = np.random.default_rng(0)
    cost, a = rng.random((2, 3, 5, 4)), rng.dirichlet(np.ones(5), size=3)
    cost[1, 2, 0, 0] = np.nan
    cost[0, 1, 4, 3] = np.inf
    out = transport_cost(cost, a)
    assert out.shape == (2, 3)
    one_by_one = [[transport_cost(cost[i, j], a[j]) for j in range(3)] for i in range(2)]
    np.testing.assert_array_equal(out, np.array(one_by_one))
    np.testing.assert_array_equal(np.isnan(out), [[False, True, False], [False, False, True]])


def test_a_mass_that_is_nan_spoils_its_own_pair_only() -> None:
    a = np.full((2, 3), 1 / 3)
    a[0, 1] = np.nan
    out = transport_cost(np.ones((3, 3)), a)
    assert np.isnan(out[0])
    assert out[1] == pytest.approx(1)


@pytest.mark.usefixtures("implementation")
def test_masses_that_all_pairs_share_count_as_those_of_each_pair() -> None:
    x, y, a, b = samples(5, 4, 2, seed=0)
    x, y = np.stack([x, x + 1]), np.stack([y, 3 * y])
    each = wasserstein_power(x, y, np.stack([a, a]), np.stack([b, b]))
    np.testing.assert_array_equal(wasserstein_power(x, y, a, np.broadcast_to(b, (2, 4))), each)
    np.testing.assert_array_equal(wasserstein_power(x, y, a, np.stack([b, b])), each)


def test_masses_need_not_add_up_to_one_but_to_the_same() -> None:
    cost = np.random.default_rng(0).random((4, 6))
    a, b = np.full(4, 6.0), np.full(6, 4.0)
    np.testing.assert_allclose(transport_cost(cost, a, b), 24 * transport_cost(cost), rtol=1e-12)


@pytest.mark.skipif(not native_available(), reason="nothing is compiled")
def test_any_number_of_threads_and_of_callers_gives_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    cost = rng.random((50, 20, 17))
    results = []
    for threads in ("1", "2", "4"):
        monkeypatch.setenv("ACTIVA_NUM_THREADS", threads)
        results.append(transport_cost(cost))
    with ThreadPoolExecutor(4) as callers:
        results += callers.map(transport_cost, [cost] * 8)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@pytest.mark.skipif(not native_available(), reason="nothing is compiled")
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_forked_process_starts_its_own_threads() -> None:
    program = """
import os, signal, numpy as np
from activa_kernels.distances import transport_cost, wasserstein_power
cost = np.random.default_rng(0).random((50, 20, 17))
before = transport_cost(cost)
child = os.fork()
if child == 0:
    signal.alarm(20)  # a child that waits for threads it does not have
    os._exit(0 if np.array_equal(transport_cost(cost), before) else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    subprocess.run(command, env={**os.environ, "ACTIVA_NUM_THREADS": "2"}, check=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones(3),), "cost has shape"),
        ((np.ones((0, 3)),), "n, m >= 1"),
        ((np.ones((2, 3)), np.ones(3) / 3), r"a has shape \(3,\); give \(..., 2\)"),
        ((np.ones((2, 3)), [1.5, -0.5]), "negative weight of -0.5"),
        ((np.ones((2, 3)), [1.0, 1.0]), "different masses, such as 2.0 and 1.0"),
        ((np.ones((2, 3)), [0.0, 0.0], [0.0, 0.0, 0.0]), "no mass"),
        ((np.ones((2, 2, 3)), np.full((3, 2), 0.5)), "do not broadcast"),
    ],
)
def test_bad_input_says_what_is_wrong(arguments: tuple[Array, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        transport_cost(*arguments)
