"""The CUDA kernel of exact assignment: on a device, and its source on the CPU, a fiber a lane."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from activa_kernels import InputError
from activa_kernels._native import cuda
from activa_kernels.distances import torch_assignment
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src" / "activa_kernels" / "distances"
ORDERS = {"ascending": 0, "descending": 1, "shuffled": 2}
Costs = NDArray[np.floating]
Assign = Callable[[Costs, str], NDArray[np.int64]]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if sys.platform != "linux" or shutil.which("g++") is None:
        pytest.skip("fibers take g++ and Linux")
    path = tmp_path_factory.mktemp("assignment") / "assignment.so"
    source = HERE / "assignment_on_cpu.cpp"
    command = ["g++", "-std=c++17", "-O2", "-shared", "-fPIC", f"-I{SOURCES}"]
    subprocess.run([*command, str(source), "-o", str(path)], check=True)
    return ctypes.CDLL(str(path))


@pytest.fixture(scope="session")
def assign(library: ctypes.CDLL) -> Assign:
    def on_cpu(costs: Costs, order: str) -> NDArray[np.int64]:
        pairs, n, _ = costs.shape
        columns = np.full((pairs, n), -7)
        pointers = (ctypes.c_void_p(array.ctypes.data) for array in (costs, columns))
        at, to = pointers
        library.assign(at, costs.dtype == np.float64, n, pairs, to, ORDERS[order])
        return columns

    return on_cpu


def draw(kind: str, pairs: int, n: int, seed: int = 0) -> NDArray[np.float64]:
    random = np.random.default_rng(seed + n)
    if kind == "normal":
        return random.standard_normal((pairs, n, n))
    if kind == "ties":
        return random.integers(0, 3, (pairs, n, n)).astype(np.float64)
    x, y = random.standard_normal((2, pairs, n, 2))
    return np.asarray(np.linalg.norm(x[:, :, None] - y[:, None], axis=-1))


def in_both_precisions(costs: NDArray[np.float64]) -> tuple[Costs, Costs]:
    return costs.astype(np.float32), costs


def totals(costs: Costs, columns: NDArray[np.int64]) -> NDArray[np.float64]:
    n = costs.shape[1]
    assert (np.sort(columns, axis=1) == np.arange(n)).all()
    wide = costs.astype(np.float64)
    return np.asarray(np.take_along_axis(wide, columns[..., None], -1).sum(axis=(1, 2)))


def least(costs: Costs) -> NDArray[np.float64]:
    wide = costs.astype(np.float64)
    return np.array([cost[linear_sum_assignment(cost)].sum() for cost in wide])


@pytest.mark.parametrize("kind", ["normal", "ties", "distances"])
@pytest.mark.parametrize(("pairs", "n"), [(2, 1), (4, 7), (2, 32), (1, 65)])
def test_the_total_is_scipy_s_and_the_same_in_every_order(
    assign: Assign, kind: str, pairs: int, n: int
) -> None:
    for costs in in_both_precisions(draw(kind, pairs, n)):
        columns = assign(costs, "ascending")
        np.testing.assert_allclose(totals(costs, columns), least(costs), rtol=1e-12, atol=1e-12)
        for order in ("descending", "shuffled"):
            assert (assign(costs, order) == columns).all()


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_the_largest_pair_is_solved(assign: Assign, order: str) -> None:
    costs = draw("distances", 1, cuda.LARGEST)
    columns = assign(costs, order)
    np.testing.assert_allclose(totals(costs, columns), least(costs), rtol=1e-12)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_cost_that_is_not_finite_is_the_ruin_of_its_pair_only(assign: Assign, bad: float) -> None:
    costs = draw("normal", 3, 5)
    costs[1, 4, 2] = bad
    columns = assign(costs, "shuffled")
    assert (columns[1] == -1).all()
    assert (columns[::2] >= 0).all()


def test_a_warp_that_waits_in_part_is_noticed(library: ctypes.CDLL) -> None:
    assert library.divergence_is_seen()


def test_tensors_on_the_cpu_are_assigned_there_and_the_cost_has_the_plan_as_gradient() -> None:
    costs = torch.from_numpy(draw("distances", 6, 5)).reshape(2, 3, 5, 5).requires_grad_()
    total = torch_assignment.transport_cost(costs)
    flat = costs.detach().numpy().reshape(6, 5, 5)
    np.testing.assert_allclose(total.detach().numpy().ravel(), least(flat) / 5, rtol=1e-12)
    (plan,) = torch.autograd.grad(total.sum(), costs)
    assert (plan.sum(dim=-1) == 0.2).all()
    assert (plan.sum(dim=-2) == 0.2).all()
    torch.testing.assert_close((plan * costs).sum(dim=(-2, -1)), total)
    bad = torch.tensor([[float("nan")]])
    assert torch_assignment.assignment(bad).tolist() == [-1]
    assert torch_assignment.transport_cost(bad).isnan()


def test_what_is_no_matrix_of_costs_is_refused() -> None:
    with pytest.raises(InputError, match=r"cost has shape \(2, 3\); give"):
        torch_assignment.assignment(torch.zeros(2, 3))
    with pytest.raises(InputError, match=r"cost has shape \(0, 0\); give"):
        torch_assignment.assignment(torch.zeros(0, 0))
    with pytest.raises(InputError, match=r"cost is torch\.int64; give float32 or float64"):
        torch_assignment.assignment(torch.zeros(2, 2, dtype=torch.int64))


@pytest.mark.skipif(cuda.obstacle() is not None, reason=cuda.obstacle() or "")
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device to run on")
def test_the_library_says_that_there_is_no_device() -> None:
    with pytest.raises(RuntimeError, match="assignment did not start: "):
        cuda.assign(0, True, 1, 1, 0, 0, 0)


@pytest.mark.gpu
@pytest.mark.skipif(cuda.obstacle() is not None, reason=cuda.obstacle() or "")
@pytest.mark.parametrize("kind", ["normal", "ties", "distances"])
@pytest.mark.parametrize(("pairs", "n"), [(1000, 40), (100, 65), (20, 256)])
def test_a_device_assigns_as_scipy_does_and_as_the_fibers(
    assign: Assign, kind: str, pairs: int, n: int
) -> None:
    for costs in in_both_precisions(draw(kind, pairs, n)):
        columns = torch_assignment.assignment(torch.from_numpy(costs).cuda()).cpu().numpy()
        np.testing.assert_allclose(totals(costs, columns), least(costs), rtol=1e-12, atol=1e-12)
        assert (columns[:1] == assign(costs[:1], "shuffled")).all()


@pytest.mark.gpu
def test_more_rows_than_a_warp_takes_are_assigned_on_the_cpu() -> None:
    costs = draw("distances", 1, cuda.LARGEST + 1)
    columns = torch_assignment.assignment(torch.from_numpy(costs).cuda())
    assert columns.is_cuda
    np.testing.assert_allclose(totals(costs, columns.cpu().numpy()), least(costs), rtol=1e-12)
