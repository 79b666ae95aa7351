import numpy as np
import pytest
from activa_sim import InputError
from activa_sim.queries import TargetLaw
from activa_sim.rng import model_streams
from activa_sim.sergio.perturbations import GivenTargets, Perturbation, SomeVariables
from numpy.testing import assert_array_equal
from scipy import stats


def test_every_query_takes_one_of_the_factors() -> None:
    factor = Perturbation((0.0, 0.5, 2.0)).draw(model_streams(0, "train", 0, 500), 4)
    counts = [(factor == value).sum(axis=0) for value in (0.0, 0.5, 2.0)]
    assert_array_equal(sum(counts), 500)
    assert stats.chisquare(counts).pvalue.min() > 1e-4
    assert_array_equal(Perturbation().draw(model_streams(0, "train", 0, 3), 4), np.zeros((3, 4)))


def test_some_variables_are_distinct_in_order_and_equally_likely() -> None:
    targets = SomeVariables(3).draw(model_streams(0, "train", 0, 2000), 7)
    assert_array_equal(targets.sum(axis=2), 1)
    columns = targets.argmax(axis=2)  # (M, 3)
    assert (np.diff(columns, axis=1) > 0).all()
    assert stats.chisquare(np.bincount(columns.ravel(), minlength=7)).pvalue > 1e-4


def test_given_targets_are_the_same_in_every_model() -> None:
    targets = GivenTargets(((2,), (0, 1))).draw(model_streams(0, "train", 0, 2), 3)
    assert_array_equal(targets, [[[0, 0, 1], [1, 1, 0]]] * 2)


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (SomeVariables(4), "number is 4; give 1 to 3, as there are 3 variables"),
        (SomeVariables(0), "number is 0; give 1 to 3"),
        (GivenTargets(()), "a query without a target"),
        (GivenTargets(((0,), ())), "a query without a target"),
        (GivenTargets(((0, 3),)), "there is no column 3; choose from 0 to 2"),
    ],
)
def test_refuses_targets_that_three_variables_do_not_have(law: TargetLaw, message: str) -> None:
    with pytest.raises(InputError, match=message):
        law.queries(3)


@pytest.mark.parametrize("factors", [(), (-1.0,), (0.0, float("inf")), (float("nan"),)])
def test_refuses_factors_that_no_production_has(factors: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="give one or more finite numbers from 0"):
        Perturbation(factors)
