import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from activa_eval import InputError, crps, energy_distance, energy_test, mmd, sliced_wasserstein
from activa_eval.arrays import CELLS, paired
from numpy.testing import assert_allclose

DISTANCES = [energy_distance, mmd, sliced_wasserstein]


class StandInTensor:
    """What of a torch tensor this package uses, so that it is tested where torch is not there."""

    requires_grad = False
    CPU = SimpleNamespace(type="cpu")

    def __init__(self, array: Any, device: Any = CPU) -> None:
        self.array, self.device = np.asarray(array), device
        self.dtype = self.array.dtype

    def detach(self) -> "StandInTensor":
        return self

    def to(self, *, device: str, dtype: Any) -> "StandInTensor":
        assert device == "cpu"
        return StandInTensor(self.array.astype(dtype))

    def is_complex(self) -> bool:
        return self.array.dtype.kind == "c"

    def numpy(self) -> np.ndarray:
        return self.array


@pytest.fixture(params=["stand-in", "torch"])
def torch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param == "torch":
        return pytest.importorskip("torch")
    module = ModuleType("torch")
    vars(module).update(
        Tensor=StandInTensor, float32=np.float32, float64=np.float64, as_tensor=StandInTensor
    )
    vars(module).update(get_num_threads=lambda: 1)
    monkeypatch.setitem(sys.modules, "torch", module)
    return module


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_tensor_among_the_inputs_brings_a_tensor_back(torch: Any, distance: Any) -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 3, 5, 2))
    result = distance(torch.as_tensor(x), y)
    assert isinstance(result, torch.Tensor)
    np.testing.assert_array_equal(result.numpy(), distance(x, y))


def test_a_test_of_tensors_returns_tensors(torch: Any) -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 5, 2))
    result = energy_test(x, torch.as_tensor(y), n_permutations=9, seed=0)
    assert all(isinstance(part, torch.Tensor) for part in result)


def test_a_tensor_that_needs_a_gradient_or_has_half_precision_is_read() -> None:
    torch = pytest.importorskip("torch")
    x = torch.zeros(3, 1, requires_grad=True)
    y = torch.ones(3, 1, dtype=torch.bfloat16)
    assert energy_distance(x, y).item() == 2.0


@pytest.mark.parametrize("distance", DISTANCES)
def test_leading_axes_broadcast(distance: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 1, 6, 2)), rng.standard_normal((3, 7, 2))
    result = distance(x, y)
    assert result.shape == (4, 3)
    for i, j in np.ndindex(4, 3):
        assert result[i, j] == distance(x[i, 0], y[j])


def test_an_empty_batch_gives_an_empty_result() -> None:
    assert energy_distance(np.empty((0, 3, 2)), np.empty((0, 4, 2))).shape == (0,)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_missing_entry_spoils_its_own_pair_only(distance: Any, bad: float) -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 3, 5, 2))
    clean = distance(x, y)
    x[1, 2, 0] = bad
    spoilt = distance(x, y)
    assert np.isnan(spoilt[1])
    np.testing.assert_array_equal(spoilt[[0, 2]], clean[[0, 2]])


def test_a_missing_weight_spoils_its_own_pair_only() -> None:
    a = np.full((2, 4), 0.25)
    a[0, 0] = np.nan
    result = energy_distance(np.zeros((2, 4, 1)), np.ones((3, 1)), a=a)
    np.testing.assert_array_equal(result, [np.nan, 2.0])


def test_a_complex_tensor_is_refused_rather_than_cut() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match="x is not an array of real numbers"):
        energy_distance(torch.zeros(3, 1, dtype=torch.complex64), torch.zeros(3, 1))


def test_the_unit_of_the_largest_rows_is_a_number() -> None:
    assert crps([[0.0]], [[2.0**1023]]) == 2.0**1023
    assert crps([[-(2.0**1022)]], [[2.0**1022]]) == 2.0**1023


def test_every_usable_pair_is_visited_once_whatever_the_size_of_a_block() -> None:
    x = np.zeros((11, 3, 1))
    x[5] = np.nan
    seen = [where for where, *_ in paired(x, x).blocks(cells=CELLS // 4)]
    assert [len(where) for where in seen] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(seen), np.delete(np.arange(11), 5))


def test_weights_are_divided_by_their_sum_where_float32_left_them_short() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 7, 2))
    a = np.full(7, 1 / 7)
    assert_allclose(energy_distance(x, y, a=0.99995 * a), energy_distance(x, y, a=a), rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "weights", "message"),
    [
        (np.zeros((0, 2)), np.zeros((3, 2)), {}, "at least one row"),
        (np.zeros((3, 0)), np.zeros((3, 0)), {}, "at least one row and one column"),
        (np.zeros((3, 2)), np.zeros((3, 1)), {}, "x has 2 columns, y has 1"),
        (np.zeros(3), np.zeros((3, 1)), {}, r"\(n, 1\) for one variable"),
        (np.zeros((2, 3, 1)), np.zeros((3, 3, 1)), {}, "do not broadcast"),
        ([["a"], ["b"]], [["c"]], {}, "x is not an array of real numbers"),
        ([[1.0]], [[1.0], [1.0, 2.0]], {}, "y is not an array of real numbers"),
        ([[1j]], [[1.0]], {}, "x is not an array of real numbers"),
        (np.zeros((2, 1)), [[[1.0]], [[1.0], [2.0]]], {}, r"y\[0\] has shape \(1, 1\), y\[1\] \(2"),
        (
            np.zeros((3, 2, 1)),
            np.zeros((2, 1)),
            {"a": [[0.5, 0.5], [0.5, 0.5], [1.5, -0.5]]},
            "a holds a negative weight in pair 2",
        ),
        (
            np.zeros((2, 1)),
            np.zeros((2, 1)),
            {"b": np.array([[[0.5, 0.5], [0.7, 0.7]]])},
            r"b does not sum to one in pair \(0, 1\)",
        ),
        (np.zeros((2, 1)), np.zeros((2, 1)), {"a": [1.0]}, "one weight for each row of x"),
        (np.zeros((2, 1)), np.zeros((2, 1)), {"b": [1.5, -0.5]}, "b holds a negative weight"),
        (np.zeros((2, 1)), np.zeros((2, 1)), {"b": [0.5, 0.6]}, "b does not sum to one"),
        (
            np.zeros((2, 1)),
            np.zeros((2, 1)),
            {"a": [0.0, 1.0], "biased": False},
            "x has fewer than 2 rows of positive weight",
        ),
        (np.zeros((1, 1)), np.zeros((2, 1)), {"biased": False}, "fewer than 2 rows"),
    ],
)
def test_what_cannot_be_compared_is_refused(x: Any, y: Any, weights: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        energy_distance(x, y, **weights)
