from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import ot
import pytest
from activa_kernels.backend import native, native_available
from activa_kernels.distances import (
    assignment,
    energy_terms,
    mmd_terms,
    permutation_statistics,
    pooled_median,
    transport_cost,
    transport_plan,
    wasserstein_power,
)
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]
Rows = NDArray[np.floating[Any]]
SETS = native().instruction_sets() if native_available() else []
pytestmark = pytest.mark.skipif(not native_available(), reason="nothing is compiled")

OPS: dict[str, Callable[[Rows, Rows], Array]] = {
    "energy": lambda x, y: np.stack(energy_terms(x, y)),
    "mmd": lambda x, y: np.stack(mmd_terms(x, y, [0.5, 3.0])),
    "median": pooled_median,
    "permutations": lambda x, y: permutation_statistics(x, y, n_permutations=40, seed=1).permuted,
    "kernel permutations": lambda x, y: (
        permutation_statistics(x, y, n_permutations=40, seed=1, bandwidth=1.5).permuted
    ),
    "W1": wasserstein_power,
    "W3": lambda x, y: wasserstein_power(x, y, p=3),
}


@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (7, 5, 2), (40, 40, 2), (30, 65, 8)])
@pytest.mark.parametrize("op", OPS)
def test_every_instruction_set_agrees_with_the_reference(
    op: str,
    n: int,
    m: int,
    d: int,
    dtype: type[np.floating[Any]],
    isa: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, n, d)).astype(dtype), rng.normal(1, 1, size=(3, m, d)).astype(dtype)
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    exact = OPS[op](x, y)
    monkeypatch.setenv("ACTIVA_BACKEND", "native")
    monkeypatch.setenv("ACTIVA_ISA", isa)
    # sums of float32 distances: a few roundings of the largest, which statistics subtract
    tolerance = 1e-6 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(OPS[op](x, y), exact, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "m"), [(300, 530), (900, 600)])
def test_samples_of_many_blocks_agree_with_numpy(
    n: int, m: int, dtype: type[np.floating[Any]]
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, 3)).astype(dtype), rng.normal(1, 1, size=(m, 3)).astype(dtype)
    wide, other = x.astype(np.float64), y.astype(np.float64)
    pooled = np.concatenate([wide, other])
    apart = cdist(pooled, pooled)
    tolerance = 1e-6 if dtype == np.float32 else 1e-12
    exact = [apart[:n, n:].mean(), apart[:n, :n].mean(), apart[n:, n:].mean()]
    np.testing.assert_allclose(energy_terms(x, y), exact, rtol=tolerance)
    # 1500 rows have more distances than are held at once
    median = np.median(apart[np.triu_indices(n + m, k=1)])
    np.testing.assert_allclose(pooled_median(x, y), median, rtol=tolerance)
    signs = np.repeat([1 / n, -1 / m], [n, m])
    drawn = permutation_statistics(x, y, n_permutations=2, seed=0)
    np.testing.assert_allclose(drawn.observed, -signs @ apart @ signs, rtol=10 * tolerance)


def test_a_median_among_few_values_is_found_where_a_sample_misleads() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 3, size=(1600, 1)).astype(np.float64)  # distances 0, 1 and 2 only
    exact = np.median(np.abs(rows - rows.T)[np.triu_indices(1600, k=1)])
    assert pooled_median(rows) == exact
    ends = np.zeros((1500, 1))
    ends[:3] = 1e6  # nearly all distances are zero
    assert pooled_median(ends) == 0
    assert pooled_median(ends, or_mean=True) == 1e6


@pytest.mark.parametrize("op", OPS)
def test_any_number_of_threads_and_of_callers_gives_the_same_bits(
    op: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 40, 3)).astype(np.float32)
    y = rng.normal(size=(60, 37, 3)).astype(np.float32)
    results = []
    for threads in ("1", "2", "4"):
        monkeypatch.setenv("ACTIVA_NUM_THREADS", threads)
        results.append(OPS[op](x, y))
    with ThreadPoolExecutor(4) as callers:
        results += callers.map(OPS[op], [x] * 4, [y] * 4)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@pytest.mark.parametrize("threads", ["2", "3"])
def test_threads_that_share_one_large_pair_give_the_same_bits(
    threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    x, y = (
        rng.normal(size=(900, 2)).astype(np.float32),
        rng.normal(size=(700, 2)).astype(np.float32),
    )
    monkeypatch.setenv("ACTIVA_NUM_THREADS", "1")
    alone = [op(x, y) for op in OPS.values()]
    plan = transport_plan(cdist(x, y))
    monkeypatch.setenv("ACTIVA_NUM_THREADS", threads)
    for op, expected in zip(OPS.values(), alone, strict=True):
        np.testing.assert_array_equal(op(x, y), expected)
    np.testing.assert_array_equal(transport_plan(cdist(x, y)), plan)


@pytest.mark.parametrize("isa", SETS)
def test_a_large_pair_shared_by_threads_costs_what_that_of_pot_costs(
    isa: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTIVA_ISA", isa)
    monkeypatch.setenv("ACTIVA_NUM_THREADS", "2")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(601, 3)).round(1), rng.normal(1, 1, size=(503, 3)).round(1)
    a, b = rng.dirichlet(np.ones(601)), rng.dirichlet(np.full(503, 0.2))
    exact = ot.emd2(a, b, cdist(x, y), numItermax=10**7)
    np.testing.assert_allclose(wasserstein_power(x, y, a, b), exact, rtol=1e-10)


@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("n", [1, 2, 3, 15, 16, 17, 64, 100])
def test_an_assignment_costs_as_little_as_that_of_scipy(
    n: int, isa: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTIVA_ISA", isa)
    rng = np.random.default_rng(n)
    costs = np.stack([
        rng.normal(size=(n, n)),
        rng.integers(0, 3, size=(n, n)).astype(np.float64),  # many ties
        cdist(rng.normal(size=(n, 2)), rng.normal(size=(n, 2))) - 1e3,  # negative
        np.outer(np.arange(n), np.arange(n)) + 0.0,  # where reductions leave most rows free
    ])  # fmt: skip
    for cost, columns in zip(costs, assignment(costs), strict=True):
        assert sorted(columns) == list(range(n))
        best = cost[linear_sum_assignment(cost)].sum()
        np.testing.assert_allclose(cost[np.arange(n), columns].sum(), best, rtol=1e-12, atol=1e-12)


def test_a_large_assignment_costs_as_little_as_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    for cost in (cdist(rng.normal(size=(850, 2)), rng.normal(size=(850, 2))),
                 rng.integers(0, 9, size=(850, 850)).astype(np.float64)):  # fmt: skip
        columns = assignment(cost)
        assert sorted(columns) == list(range(850))
        best = cost[linear_sum_assignment(cost)].sum()
        np.testing.assert_allclose(cost[np.arange(850), columns].sum(), best, rtol=1e-12)


def test_a_matrix_that_is_not_finite_has_no_assignment() -> None:
    costs = np.random.default_rng(0).random((3, 4, 4))
    costs[1, 2, 3] = np.nan
    columns = assignment(costs)
    assert (columns[1] == -1).all()
    np.testing.assert_array_equal(columns[[0, 2]], assignment(costs[[0, 2]]))


@pytest.mark.parametrize("seed", range(30))
def test_a_plan_has_its_margins_and_costs_what_that_of_pot_costs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 60, size=2)
    cost = cdist(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)))
    a, b = rng.dirichlet(np.full(n, 0.1)), rng.dirichlet(np.full(m, 0.1))  # many next to nothing
    if seed % 3 == 0:
        a, b, cost = np.full(n, 1 / n), np.full(m, 1 / m), cost.round(0)  # ties everywhere
    plan = transport_plan(cost, a, b)
    assert (plan >= 0).all()
    assert np.count_nonzero(plan) <= n + m - 1
    np.testing.assert_allclose(plan.sum(axis=1), a, atol=1e-13)
    np.testing.assert_allclose(plan.sum(axis=0), b, atol=1e-13)
    np.testing.assert_allclose((plan * cost).sum(), ot.emd2(a, b, cost), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(transport_cost(cost, a, b), (plan * cost).sum(), rtol=1e-12)


@pytest.mark.parametrize("p", [1, 2, 2.5])
def test_on_a_line_mass_moves_in_order(p: float) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 23, 1)).round(1), rng.normal(1, 2, size=(6, 17, 1)).round(1)
    a, b = rng.dirichlet(np.ones(23), size=6), rng.dirichlet(np.ones(17), size=6)
    a[:, 4] = 0
    a /= a.sum(axis=1, keepdims=True)
    exact = transport_cost(np.abs(x - y.swapaxes(1, 2)) ** p, a, b)
    np.testing.assert_allclose(wasserstein_power(x, y, a, b, p=p), exact, rtol=1e-12)
    even = transport_cost(np.abs(x - x[::-1].swapaxes(1, 2)) ** p)
    np.testing.assert_allclose(wasserstein_power(x, x[::-1], p=p), even, rtol=1e-12, atol=1e-15)
