from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from activa_sim import CausalBatch, InputError, __version__, archive, simulator
from numpy.testing import assert_array_equal


def batch(models: int = 7, **changes: Any) -> CausalBatch:
    return simulator("general-2").sample(models, 5, seed=3, **changes)


@pytest.mark.parametrize("replicate", [False, True])
def test_comes_back_from_its_file_bit_for_bit(tmp_path: Path, replicate: bool) -> None:
    saved = batch(replicate=replicate)
    saved.save(tmp_path / "a.npz")
    loaded = CausalBatch.load(str(tmp_path / "a.npz"))
    assert loaded == saved
    assert loaded.version == __version__
    assert loaded.labels.keys() == {"mechanism", "cause_noise", "effect_noise"}


def test_real_data_need_no_graphs_labels_or_provenance(tmp_path: Path) -> None:
    bare = CausalBatch(*(getattr(batch(), name) for name in ("obs", "interv", "targets", "values")))
    bare.save(tmp_path / "a.npz")
    assert CausalBatch.load(tmp_path / "a.npz") == bare


def test_choosing_keeps_the_model_axis_and_the_models_numbers() -> None:
    whole = batch()
    for chosen, index in ((3, [3]), (-1, [6]), (slice(2, 6, 2), [2, 4]), ([5, 0], [5, 0])):
        part = whole[chosen]
        assert part.index is not None
        assert_array_equal(part.index, index)
        assert_array_equal(part.obs, whole.obs[index])
        assert_array_equal(part.labels["mechanism"], whole.labels["mechanism"][index])
        assert len(part) == len(index)
    with pytest.raises(IndexError):
        whole[7]


def test_iterating_gives_the_models_one_by_one() -> None:
    assert CausalBatch.concat([*batch()]) == batch()


def test_equality_sees_every_part() -> None:
    whole = batch(replicate=True)
    assert whole == batch(replicate=True)
    assert hash(whole) == hash(batch(replicate=True))
    assert whole != "batch"
    for name, array in whole.arrays().items():
        other = array.copy()
        other.reshape(-1)[-1] = ~other.reshape(-1)[-1] if other.dtype == np.bool_ else 77
        assert whole != replace(whole, **{name: other}), name
    other_labels = {**whole.labels, "mechanism": whole.labels["mechanism"][::-1]}
    changes: list[dict[str, Any]] = [
        {"seed": 4},
        {"split": "test"},
        {"version": "0.0.1"},
        {"config": {}},
        {"labels": {}},
        {"labels": other_labels},
        {"graphs": None},
    ]
    for change in changes:
        assert whole != replace(whole, **change), change
    assert whole != whole[:3]


def test_joins_only_what_belongs_together() -> None:
    others = [
        simulator("gauss-2").sample(7, 5, seed=3),
        simulator("general-2").sample(7, 6, seed=3),
        simulator("general-2").sample(7, 5, seed=4),
        batch(replicate=True),
        replace(batch(), labels={}),
    ]
    for other in others:
        with pytest.raises(InputError, match="the batches differ in config, seed, split"):
            CausalBatch.concat([batch(), other])
    with pytest.raises(InputError, match="there is no batch to join"):
        CausalBatch.concat([])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"obs": np.zeros((7, 5), np.float32)}, r"obs has shape \(7, 5\) .* give \(M, N, d\)"),
        ({"obs": np.zeros((7, 5, 2))}, r"obs is float64 .* give float32 \(7, 5, 2\)"),
        ({"interv": np.zeros((7, 2, 5, 3), np.float32)}, r"interv .* give float32 \(7, 2, 5, 2\)"),
        ({"targets": np.zeros((7, 2, 2), np.int8)}, r"targets is int8 .* give bool"),
        ({"graphs": np.zeros((6, 2, 2), np.bool_)}, r"graphs is .* give bool\w* \(7, 2, 2\)"),
        ({"labels": {"kind": np.zeros(7)}}, 'label "kind" is float64'),
        ({"labels": {"kind": np.array(["a"])}}, r'label "kind" is <U1 \(1,\); give str \(7,\)'),
    ],
)
def test_refuses_arrays_that_do_not_belong_together(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(batch(), **change)


def test_an_archive_of_something_else_is_no_batch(tmp_path: Path) -> None:
    archive.write(tmp_path / "a.npz", {"obs": batch().obs}, {"seed": 1})
    with pytest.raises(InputError, match=r"a\.npz holds no batch .*; write one with save"):
        CausalBatch.load(tmp_path / "a.npz")
    archive.write(tmp_path / "a.npz", {**batch().arrays(), "obs": np.zeros(3)}, {})
    with pytest.raises(InputError, match=r"a\.npz holds no batch"):
        CausalBatch.load(tmp_path / "a.npz")
