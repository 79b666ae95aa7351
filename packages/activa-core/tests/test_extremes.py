"""Numbers that overflow or underflow, and columns of few values: a sentence, never a NaN."""

import warnings

import numpy as np
import pytest
from activa_core.errors import InputError
from activa_core.predict import Activa, RangeWarning
from activa_core.tables import FloatArray


@pytest.fixture(scope="module")
def general() -> Activa:
    return Activa.from_pretrained("general-2")


def table() -> FloatArray:
    rows = np.random.default_rng(0).normal(size=(40, 2))
    return rows @ [[1.0, 1.0], [0.0, 1.0]]


@pytest.mark.parametrize("factor", [1e-90, 1e-30, 1e30, 1e90])
def test_any_units_whose_squares_can_be_held_give_the_same_answer(
    general: Activa, factor: float
) -> None:
    expected = general.intervene(table(), do={0: 1.0})
    found = general.intervene(table() * factor, do={0: factor})
    np.testing.assert_allclose(found.mean() / factor, expected.mean(), rtol=1e-4)
    assert found.prob_moves(1) == expected.prob_moves(1)


@pytest.mark.parametrize(
    ("factor", "value", "sentence"),
    [
        (1e200, 1e200, "column 0 holds a number beyond 1e[+]100; use larger units"),
        (1e-200, 1e-200, "column 0 is constant"),
        (1.0, 1e200, "the value 1e[+]200 for column 0 is beyond 1e[+]100"),
        (1.0, -1e6, "the value -1e[+]06 for column 0 lies more than 10000 standard deviations"),
    ],
)
def test_numbers_that_cannot_be_computed_with_are_refused(
    general: Activa, factor: float, value: float, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        general.intervene(table() * factor, do={0: value})


@pytest.mark.filterwarnings("ignore::activa_core.predict.RangeWarning")
@pytest.mark.parametrize("factor", [1e-60, 1e60])
def test_a_network_that_sees_units_too_far_from_its_own_says_so(factor: float) -> None:
    with pytest.raises(InputError, match="the network has no finite answer; bring the columns"):
        Activa.from_pretrained("gauss-2").intervene(table() * factor, do={0: 5.0})


def test_units_that_training_never_showed_are_answered_with_a_warning() -> None:
    gauss = Activa.from_pretrained("gauss-2")
    low, high = gauss.card.scale_range or (0.0, 0.0)
    assert 0.1 < low < 0.5 < high < 5.0  # of noise with a standard deviation of 0.5
    rows = table() / table().std(axis=0) * [0.5, 0.5 / 10]
    with pytest.warns(RangeWarning, match="column 1 has a standard deviation of 0.05") as caught:
        gauss.intervene(rows, do={0: 5.0})
    assert len(caught) == 1


def test_a_column_of_few_values_is_answered_with_a_warning(general: Activa) -> None:
    treated = table()
    treated[:, 0] = treated[:, 0] > 0
    with pytest.warns(RangeWarning, match="column 0 has only 2 values, and the model") as caught:
        assert np.isfinite(general.intervene(treated, do={0: 1.0}).mean()).all()
    assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        general.intervene(np.round(table(), 1), do={0: 1.0})
