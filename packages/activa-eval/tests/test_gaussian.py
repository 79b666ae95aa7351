import numpy as np
import pytest
from activa_eval.gaussian import Gaussian
from numpy.testing import assert_allclose
from scipy import stats


def draw(d: int, *, seed: int = 0) -> Gaussian:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((d, d + 1))
    return Gaussian(rng.standard_normal(d), root @ root.T)


def test_a_fit_has_the_mean_and_covariance_of_the_rows() -> None:
    rows = np.random.default_rng(0).standard_normal((7, 3))
    fit = Gaussian.fit(rows)
    assert_allclose(fit.mean, rows.mean(axis=0))
    assert_allclose(fit.covariance, np.cov(rows.T))


@pytest.mark.parametrize("d", [1, 2, 5])
def test_density_and_marginals_are_those_of_scipy(d: int) -> None:
    law = draw(d)
    rows = np.random.default_rng(1).standard_normal((7, d))
    expected = stats.multivariate_normal(law.mean, law.covariance).logpdf(rows)
    assert_allclose(law.log_prob(rows), expected, rtol=1e-9)
    deviations = np.sqrt(law.covariance.diagonal())
    assert_allclose(law.cdf(rows), stats.norm.cdf(rows, law.mean, deviations), rtol=1e-10)


def test_the_joint_density_is_the_marginal_times_the_conditional() -> None:
    law, given = draw(5), np.array([True, False, False, True, False])
    row = np.random.default_rng(1).standard_normal(5)
    marginal = law.marginal(given).log_prob(row[None, given])
    conditional = law.condition(given, row[given]).log_prob(row[None, ~given])
    assert_allclose(marginal + conditional, law.log_prob(row[None]), rtol=1e-9)


def test_samples_have_the_mean_and_covariance_of_the_law() -> None:
    law = draw(3)
    rows = law.sample(100_000, np.random.default_rng(0))
    assert_allclose(rows.mean(axis=0), law.mean, atol=0.03)
    assert_allclose(np.cov(rows.T), law.covariance, atol=0.1)


def test_a_given_column_without_variance_shifts_nothing() -> None:
    law = Gaussian(np.array([1.0, 2.0]), np.array([[0.0, 0.0], [0.0, 3.0]]))
    rest = law.condition(np.array([True, False]), np.array([9.0]))
    assert_allclose(rest.mean, [2.0])
    assert_allclose(rest.covariance, [[3.0]])


def test_a_constant_column_has_no_variance_and_shifts_nothing_when_given() -> None:
    rows = np.random.default_rng(0).standard_normal((40, 2))
    rows[:, 0] = 0.1  # 40 times 0.1 does not add up to 4
    law = Gaussian.fit(rows)
    assert law.covariance[0].tolist() == [0.0, 0.0]
    rest = law.condition(np.array([True, False]), np.array([5.0]))
    assert_allclose(rest.mean, rows[:, 1].mean())


def test_conditioning_on_a_copy_leaves_no_variance_and_a_finite_density() -> None:
    law = Gaussian(np.zeros(2), np.array([[1.0, 0.1], [0.1, 0.01]]))  # V_1 = V_0 / 10
    rest = law.condition(np.array([True, False]), np.array([5.0]))
    assert_allclose(rest.sample(4, np.random.default_rng(0)), 0.5, atol=1e-7)
    density = rest.log_prob(np.array([[0.5], [0.6]]))
    assert np.isfinite(density).all()
    assert density[0] > density[1] + 100


def test_a_law_of_no_columns_has_density_one() -> None:
    law = Gaussian(np.zeros(0), np.zeros((0, 0)))
    assert_allclose(law.log_prob(np.zeros((3, 0))), np.zeros(3))
    assert law.sample(3, np.random.default_rng(0)).shape == (3, 0)
