from typing import Any

import numpy as np
import pytest
from activa_sim.errors import (
    InputError,
    check_interval,
    check_names,
    check_probability,
    whole_number,
)


def test_is_a_value_error_so_that_callers_need_not_know_it() -> None:
    with pytest.raises(ValueError, match="give a probability from 0 to 1"):
        check_probability("p", float("nan"))


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_probabilities_pass(value: float) -> None:
    check_probability("p", value)


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (2.0, 1.0), (1.0, float("inf")), (float("nan"), 2.0)]
)
def test_an_interval_is_refused_when_it_starts_too_low_or_is_none(low: float, high: float) -> None:
    check_interval(0.5, 0.5, least=0.5)
    with pytest.raises(InputError, match=r"give 0\.5 <= low <= high"):
        check_interval(low, high, least=0.5)


def test_a_name_that_is_not_known_is_answered_with_those_that_are() -> None:
    check_names("law", ["a"], ["a", "b"])
    with pytest.raises(InputError, match='unknown law "c"; choose from a, b'):
        check_names("law", ["a", "c"], ["a", "b"])
    with pytest.raises(InputError, match="no law was given; choose from a, b"):
        check_names("law", [], ["a", "b"])


@pytest.mark.parametrize("value", [2.0, "3", None, np.float64(3)])
def test_what_is_no_whole_number_is_named(value: Any) -> None:
    assert whole_number("n", np.int8(3)) == 3
    with pytest.raises(InputError, match=r"^n_models is .*; give a whole number$"):
        whole_number("n_models", value)
