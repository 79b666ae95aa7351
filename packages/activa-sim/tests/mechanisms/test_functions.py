import numpy as np
import pytest
from activa_sim.mechanisms.functions import FUNCTIONS, PARAMETERS, REACH

HALF = np.full((1, PARAMETERS), 0.5)  # every parameter in the middle of its range
LOW = np.full((1, PARAMETERS), 0.0)
X = np.array([[-1.0, 0.0, 2.0]])
AT_HALF = {
    "linear": X,
    "quadratic": X**2,
    "cubic": X + 0.275 * X**3,
    "tanh": np.tanh(1.85 * X),
    "sine": np.sin(1.5 * X + np.pi),
    "softplus": np.log(1 + np.exp(2.5 * X)),
    "kink": 0.0 * X,
    "fourier": 0.0 * X,
}
AT_LOW = {
    "quadratic": (X + 1.5) ** 2,
    "tanh": np.tanh(0.7 * (X + 1)),
    "kink": -(X + 1),
    "fourier": -3 * np.sin(0.3 * X),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_gives_the_formula_in_the_middle_of_its_parameters(name: str) -> None:
    np.testing.assert_allclose(FUNCTIONS[name](X, HALF), AT_HALF[name], atol=1e-12)


@pytest.mark.parametrize("name", sorted(AT_LOW))
def test_gives_the_formula_at_the_low_end_of_its_parameters(name: str) -> None:
    np.testing.assert_allclose(FUNCTIONS[name](X, LOW), AT_LOW[name], atol=1e-12)


def test_the_kink_changes_the_slope_at_its_place() -> None:
    parameters = HALF.copy()
    parameters[:, 1], parameters[:, 2] = 0.0, 0.75
    np.testing.assert_allclose(FUNCTIONS["kink"](X, parameters), [[1.0, 0.0, 1.0]], atol=1e-12)


@pytest.mark.parametrize("name", ["quadratic", "cubic"])
def test_powers_stop_growing_where_data_end(name: str) -> None:
    far = FUNCTIONS[name](np.array([[REACH, 100.0, -REACH, -100.0]]), HALF)[0]
    assert far[0] == far[1]
    assert far[2] == far[3]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_stays_finite_and_takes_its_own_parameters_for_each_model(name: str) -> None:
    parameters = np.random.default_rng(0).random((65, PARAMETERS))
    x = np.linspace(-40, 40, 65) * np.ones((65, 1))
    together = FUNCTIONS[name](x, parameters)
    assert np.isfinite(together).all()
    alone = FUNCTIONS[name](x[7:8], parameters[7:8])
    np.testing.assert_array_equal(together[7:8], alone)
