import numpy as np
import pytest
from activa_sim import CausalBatch, InputError, simulator
from activa_sim.queries import FixedValue, MixedQuery, RandomValue, Shift, WithinSpread


def test_the_batch_says_what_each_value_means() -> None:
    laws = (FixedValue(5.0, 0.0), Shift(1.0, 1.0), RandomValue(-7.0, -7.0, 0.1))
    batch = simulator("gauss-2").changed(query=MixedQuery(laws)).sample(300, 9)
    assert batch.kind is not None
    meant = {"set": 5.0, "shift": 1.0, "random": -7.0}
    values = batch.values[batch.targets].reshape(300, 2)
    for kind, value in meant.items():
        assert (values[batch.kind == kind] == value).all()
        assert abs((batch.kind == kind).mean() - 1 / 3) < 4 * np.sqrt(2 / 9 / 600)
    rows = np.diagonal(batch.interv, axis1=1, axis2=3).swapaxes(1, 2)  # (M, d, N)
    assert (rows[batch.kind == "set"] == 5.0).all()
    assert np.abs(rows[batch.kind == "random"] + 7.0).max() < 0.6


def test_kinds_stay_with_their_queries(tmp_path: object) -> None:
    mixed = MixedQuery((FixedValue(5.0, 0.0), Shift(1.0, 1.0)))
    batch = simulator("gauss-2").changed(query=mixed).sample(20, 9)
    assert batch.kind is not None
    assert isinstance(batch[3].kind, np.ndarray)
    assert (batch[3].kind == batch.kind[3]).all()
    assert CausalBatch.concat([batch[:7], batch[7:]]) == batch
    path = f"{tmp_path}/batch.npz"
    batch.save(path)
    assert CausalBatch.load(path) == batch


def test_plain_queries_set_everywhere_and_need_no_kind() -> None:
    assert simulator("gauss-2").sample(2, 3).kind is None


def test_needs_as_many_rows_as_the_neediest_law() -> None:
    assert MixedQuery((FixedValue(), WithinSpread())).fewest_rows == 2
    assert MixedQuery((FixedValue(), Shift())).fewest_rows == 1


def test_refuses_mixtures_of_nothing_and_of_mixtures() -> None:
    with pytest.raises(InputError, match="no law was given; give at least one"):
        MixedQuery(())
    with pytest.raises(InputError, match=r"shares are \(1\.0,\); give 2 numbers of 0 or more"):
        MixedQuery((Shift(), FixedValue()), (1.0,))
    with pytest.raises(InputError, match="a mixed query holds another; give the laws of both"):
        MixedQuery((MixedQuery((Shift(),)),))
