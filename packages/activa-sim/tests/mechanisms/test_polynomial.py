import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.mechanisms import PolynomialMechanism
from activa_sim.rng import Site, model_streams
from numpy.testing import assert_allclose, assert_array_equal

M = 9
STREAMS = model_streams(4, "train", 0, M)
GRAPHS = np.zeros((M, 4, 4), dtype=np.bool_)
GRAPHS[:, [0, 2], 3] = True
X = np.random.default_rng(0).normal(size=(M, 3, 65))


def test_gives_powers_and_the_product_of_the_causes_with_the_coefficients_drawn() -> None:
    at = STREAMS.at(Site.MECHANISM, range(4), range(4))
    a, c = at.normal(3)[:, 3], at.branch(1).normal(4)[:, 3, 0, 2, None]
    first, second = (
        a[:, i, 0, None] * x + a[:, i, 1, None] * x**2 / 2 + a[:, i, 2, None] * x**3 / 6
        for i, x in ((0, X[:, 0]), (2, X[:, 2]))
    )
    expected = first + second + c * X[:, 0] * X[:, 2]
    assert_allclose(PolynomialMechanism().function(STREAMS, GRAPHS).signal(3, X), expected)


def test_degree_one_is_linear() -> None:
    function = PolynomialMechanism(degree=1).function(STREAMS, GRAPHS)
    x = X / 4.0  # all within reach, also doubled
    assert_allclose(function.signal(3, 2.0 * x), 2.0 * function.signal(3, x))


def test_powers_stop_growing_where_data_end() -> None:
    function = PolynomialMechanism().function(STREAMS, GRAPHS)
    far, further = (function.signal(3, np.full((M, 3, 1), x)) for x in (4.0, 40.0))
    assert_array_equal(far, further)


@pytest.mark.parametrize("degree", [0, 7])
def test_refuses_degrees_that_are_none(degree: int) -> None:
    with pytest.raises(InputError, match=f"degree is {degree}; give 1 to 6"):
        PolynomialMechanism(degree=degree)
