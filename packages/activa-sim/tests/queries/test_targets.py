import numpy as np
import pytest
from activa_sim import InputError, simulator
from activa_sim.queries import FixedValue, Subsets
from activa_sim.rng import model_streams
from numpy.testing import assert_array_equal
from scipy import stats


def test_every_set_of_one_size_is_equally_likely_and_so_is_every_size() -> None:
    targets = Subsets(3, fewest=1, most=2).draw(model_streams(1, "train", 0, 10_000), 4)
    assert targets.shape == (10_000, 3, 4)
    codes = (targets * 2 ** np.arange(4)).sum(axis=2).reshape(-1)
    counts = np.bincount(codes, minlength=16)
    singles, pairs = [1, 2, 4, 8], [3, 5, 6, 9, 10, 12]
    assert counts[singles].sum() + counts[pairs].sum() == 30_000
    assert stats.binomtest(int(counts[singles].sum()), 30_000).pvalue > 1e-4
    assert stats.chisquare(counts[singles]).pvalue > 1e-4
    assert stats.chisquare(counts[pairs]).pvalue > 1e-4


def test_queries_of_one_model_differ() -> None:
    targets = Subsets(40, 1, 3).draw(model_streams(1, "train", 0, 2), 8)
    assert min(len(np.unique(model, axis=0)) for model in targets) > 20


def test_a_batch_holds_as_many_queries_as_asked_for_and_what_they_set() -> None:
    several = simulator("gauss-8").changed(
        targets=Subsets(5, 0, 3), query=FixedValue(4.0, 0.0), variables=6
    )
    batch = several.sample(65, 3, replicate=True)
    assert batch.targets.shape == (65, 5, 6)
    assert set(batch.targets.sum(axis=2).ravel()) == {0, 1, 2, 3}
    assert_array_equal(batch.values, np.where(batch.targets, np.float32(4.0), np.float32(np.nan)))
    set_rows = np.moveaxis(batch.interv, 2, -1)[batch.targets]  # (targets, N)
    assert (set_rows == 4.0).all()
    free_rows = np.moveaxis(batch.interv, 2, -1)[~batch.targets]
    assert not (free_rows == 4.0).any()
    assert batch[60] == several.sample(1, 3, start=60, replicate=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Subsets(0), "number is 0; give at least 1 query"),
        (lambda: Subsets(fewest=2, most=1), "fewest is 2 and most is 1; give 0 <= fewest <= most"),
        (lambda: Subsets(most=3).queries(2), "2 variables hold no 3 targets; ask for at most 2"),
        (
            lambda: simulator("gauss-2").changed(targets=Subsets(70_000, 1, 1)).sample(1, 1),
            "70002 regimes are too many; ask for fewer queries",
        ),
    ],
)
def test_refuses_numbers_that_make_no_queries(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(InputError, match=message):
        make()
