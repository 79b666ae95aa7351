import numpy as np
import pytest
from activa_sim import InputError, simulator
from activa_sim.levels import Levels, Scale
from activa_sim.queries import ValueRange
from activa_sim.rng import model_streams
from numpy.testing import assert_array_equal


def test_levels_are_the_medians_between_quantiles() -> None:
    seen = np.arange(8.0)[None] * np.array([[1.0], [10.0]])
    scale = Scale.of(np.array([2, 4]), seen)
    rows = np.array([[-9.0, 3.9, 4.0, 99.0], [-9.0, 19.9, 20.0, 60.0]])
    assert_array_equal(scale.cut(rows), [[2.0, 2.0, 6.0, 6.0], [10.0, 10.0, 30.0, 70.0]])


def test_cutting_twice_is_cutting_once_and_continuous_variables_stay() -> None:
    numbers = np.random.default_rng(0).normal(size=(65, 300))
    levels = np.arange(65) % 9
    levels[levels == 1] = 0
    scale = Scale.of(levels, numbers[:, :256])
    cut = scale.cut(numbers)
    assert_array_equal(scale.cut(cut), cut)
    counts = np.array([len(np.unique(row)) for row in cut])
    assert_array_equal(counts, np.where(levels > 0, levels, 300))


def test_as_many_variables_are_discrete_as_asked_with_levels_of_the_range() -> None:
    numbers = Levels(0.3, 3, 5).draw(model_streams(3, "train", 0, 5000), 2)
    assert set(numbers.ravel()) == {0, 3, 4, 5}
    assert abs((numbers > 0).mean() - 0.3) < 4 * np.sqrt(0.21 / numbers.size)


def test_discrete_columns_have_few_values_in_every_regime() -> None:
    law = simulator("gauss-8").changed(
        levels=Levels(1.0, 2, 4), query=ValueRange(-3.0, 3.0, jitter=0.5), variables=4
    )
    batch = law.sample(20, 300)
    for m in range(20):
        for column in range(4):
            everything = np.concatenate(
                [batch.obs[m, :, column], batch.interv[m, ..., column].ravel()]
            )
            observed = np.unique(batch.obs[m, :, column])
            assert 2 <= len(observed) <= 4
            assert set(np.unique(everything)) == set(observed)
            assert batch.values[m, column, column] in observed
    assert law.sample(1, 300, start=7) == batch[7]


def test_refuses_numbers_of_levels_that_are_none() -> None:
    with pytest.raises(InputError, match="fewest is 1 and most is 8; give 2 <= fewest <= most"):
        Levels(fewest=1)
    with pytest.raises(InputError, match="share is -1; give a probability"):
        Levels(share=-1)
    with pytest.raises(InputError, match="calibration is 1; give at least 2 rows"):
        Levels(calibration=1)
