import numpy as np
import pytest
from activa_sim import InputError
from activa_sim.rng import model_streams
from activa_sim.sergio.cells import IndependentCells, TrajectoryCells
from numpy.testing import assert_array_equal
from scipy import stats


def test_a_trajectory_has_a_window_and_settles_longer_the_higher_the_gene() -> None:
    law = TrajectoryCells()
    assert [law.points(level, 6) for level in (0, 1, 3)] == [90, 100, 120]
    assert law.paths(6) == 1


def test_cells_are_uniform_points_of_the_window_with_replacement() -> None:
    ages = TrajectoryCells(steps=3).ages(model_streams(0, "train", 0, 500), 2, 4)
    assert ages.shape == (500, 2, 4)
    assert stats.chisquare(np.bincount(ages.ravel(), minlength=13)[1:]).pvalue > 1e-4
    assert set(ages.ravel()) == set(range(1, 13))
    first, second = ages[:, 0, 0], ages[:, 0, 1]
    assert 20 < (first == second).sum() < 70  # one pair in twelve


def test_an_age_counts_from_the_end_and_is_shared_by_all_cell_types() -> None:
    x = np.arange(5.0)[:, None, None, None, None] + 10.0 * np.arange(3)[:, None]
    ages = np.array([[[1, 5]], [[2, 1]]]).repeat(4, axis=1)  # (G, R, N)
    x = np.broadcast_to(x, (5, 2, 4, 3, 1)).copy()
    cells = TrajectoryCells().pick(x, ages)
    assert cells.shape == (2, 4, 3, 2)
    assert_array_equal(cells[0, 1], [[4, 0], [14, 10], [24, 20]])
    assert_array_equal(cells[1, 3], [[3, 4], [13, 14], [23, 24]])


def test_independent_cells_are_the_ends_of_as_many_trajectories() -> None:
    law = IndependentCells(steps=7)
    assert (law.paths(6), law.points(0, 6), law.points(5, 6)) == (6, 8, 8)
    x = np.random.default_rng(0).random((8, 2, 3, 4, 6))
    ages = law.ages(model_streams(0, "train", 0, 2), 3, 6)
    assert_array_equal(law.pick(x, ages), x[7])


def test_refuses_trajectories_without_a_point() -> None:
    with pytest.raises(InputError, match="steps is 0 and settling_steps 10"):
        TrajectoryCells(steps=0)
    with pytest.raises(InputError, match="steps is 15 and settling_steps -1"):
        TrajectoryCells(settling_steps=-1)
    with pytest.raises(InputError, match="steps is 0; give at least 1"):
        IndependentCells(steps=0)
