from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from activa_sim import PRESETS, CausalBatch, _native, simulator
from activa_sim.graphs import PrunedErdosRenyi
from activa_sim.linear_pass import draw_linear
from activa_sim.noises import GaussianNoise, LaplaceNoise
from activa_sim.queries import FixedValue
from activa_sim.rng import model_streams
from activa_sim.simulator import Simulator
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

pytestmark = pytest.mark.skipif(_native.library is None, reason="nothing is compiled")
SETS = _native.library.instruction_sets() if _native.library is not None else []
PAPER = ["gauss-2", "beta-2", "gauss-8", "beta-8"]


def by_numpy(monkeypatch: pytest.MonkeyPatch, law: Simulator, M: int, n: int) -> CausalBatch:
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    batch = law.sample(M, n, seed=2**63 + 5, split="test", start=2**40, replicate=True)
    monkeypatch.setenv("ACTIVA_BACKEND", "native")
    return batch


def compiled(law: Simulator, M: int, n: int) -> CausalBatch:
    return law.sample(M, n, seed=2**63 + 5, split="test", start=2**40, replicate=True)


def difference(rows: NDArray[np.float32] | None, exact: NDArray[np.float32] | None) -> float:
    """Largest difference in units of max(1, |x|)."""
    assert rows is not None
    assert exact is not None
    wide = exact.astype(np.float64)
    return float((np.abs(rows - wide) / np.maximum(1.0, np.abs(wide))).max())


def assert_same_models(batch: CausalBatch, expected: CausalBatch) -> None:
    """Hold all that is no rounding equal, and rows to the tolerance of the linear presets."""
    for name in ("graphs", "targets", "values", "index"):
        assert_array_equal(getattr(batch, name), getattr(expected, name))
    assert batch.labels.keys() == expected.labels.keys()
    for name, label in batch.labels.items():
        assert label.dtype == expected.labels[name].dtype
        assert_array_equal(label, expected.labels[name])
    for name in ("obs", "interv", "interv_replicate"):
        assert difference(getattr(batch, name), getattr(expected, name)) < 1e-5


@pytest.mark.parametrize("n", [1, 7, 30, 65])
@pytest.mark.parametrize("name", PAPER)
def test_the_models_are_numpy_s(monkeypatch: pytest.MonkeyPatch, name: str, n: int) -> None:
    expected = by_numpy(monkeypatch, simulator(name), 100, n)
    assert_same_models(compiled(simulator(name), 100, n), expected)


@pytest.mark.parametrize(("d", "M", "n"), [(1, 3, 3000), (3, 50, 9), (11, 40, 33), (64, 1, 130)])
def test_any_number_of_variables_and_other_parameters_agree(
    monkeypatch: pytest.MonkeyPatch, d: int, M: int, n: int
) -> None:
    noise, query = GaussianNoise(1.5), FixedValue(-2.0, jitter=0.0)
    law = simulator("gauss-8").changed(variables=d, noise=noise, query=query)
    if d == 64:  # of many edges the longest paths would be beyond any rounding
        law = law.changed(graph=PrunedErdosRenyi(0.01))
    expected = by_numpy(monkeypatch, law, M, n)
    assert_same_models(compiled(law, M, n), expected)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_graphs_of_no_and_of_all_edges_agree(monkeypatch: pytest.MonkeyPatch, p: float) -> None:
    law = simulator("gauss-8").changed(variables=5, graph=PrunedErdosRenyi(p))
    expected = by_numpy(monkeypatch, law, 50, 2)
    assert_same_models(compiled(law, 50, 2), expected)
    assert expected.graphs is not None
    assert expected.graphs.any() == (p > 0.0)


def test_numbers_next_to_zero_have_their_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    law = simulator("gauss-8").changed(variables=1, noise=GaussianNoise(1.0))
    expected = by_numpy(monkeypatch, law, 1, 1_000_000).obs
    rows = compiled(law, 1, 1_000_000).obs
    radius = np.hypot(expected[0, 0::2], expected[0, 1::2])
    assert radius.min() < 3e-3  # where 1 - u has lost most of the digits of a float32 u
    assert difference(rows, expected) < 1e-6


@pytest.mark.parametrize("name", PAPER)
def test_instruction_sets_and_threads_give_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "native")
    batches = []
    for isa in SETS:
        for threads in ("1", "3"):
            monkeypatch.setenv("ACTIVA_ISA", isa)
            monkeypatch.setenv("ACTIVA_NUM_THREADS", threads)
            batches.append(compiled(simulator(name), 131, 33))
    assert all(batch == batches[0] for batch in batches)


class OtherNoise(GaussianNoise):
    """May draw anything."""


@pytest.mark.parametrize(
    "change", [{"coupled": True}, {"noise": LaplaceNoise()}, {"noise": OtherNoise()}]
)
def test_other_laws_are_left_to_numpy(change: dict[str, object]) -> None:
    config = replace(PRESETS["gauss-2"], **change)  # type: ignore[arg-type]
    assert draw_linear(config, model_streams(0, "train", 0, 3), 7, replicate=False) is None
