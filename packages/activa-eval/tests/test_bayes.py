import numpy as np
import pytest
from activa_eval import BayesPair, InputError, bayes_pair
from numpy.testing import assert_allclose
from scipy import integrate, stats

FIRST, SECOND = np.array([True, False]), np.array([False, True])
AT_FIVE = np.array([5.0, np.nan])


def draw(rows: int, seed: int) -> tuple[np.ndarray, int, float]:
    """Rows of a model of the paper's law, which column is the cause (or -1), and its weight."""
    rng = np.random.default_rng(seed)
    edge = rng.choice([-1, 0, 1], p=[0.49, 0.255, 0.255])
    weight = float(rng.choice([-1, 1]) * rng.uniform(0.5, 2.0))
    noise = 0.5 * rng.standard_normal((rows, 2))
    if edge >= 0:
        noise[:, 1 - edge] += weight * noise[:, edge]
    return noise, int(edge), weight


def evidence(cause: np.ndarray, effect: np.ndarray) -> float:
    """p(D | cause -> effect), by a general integrator."""
    own = stats.norm(0.0, 0.5).pdf(cause).prod()
    residual = lambda b: stats.norm(0.0, 0.5).pdf(effect - b * cause).prod() / 3.0
    parts = [integrate.quad(residual, low, low + 1.5, epsabs=0, limit=200) for low in (-2.0, 0.5)]
    return float(own * sum(value for value, _ in parts))


@pytest.mark.parametrize("seed", range(8))
def test_the_posterior_of_the_direction_is_that_of_an_integrator(seed: int) -> None:
    rows, _, _ = draw(7, seed)
    forwards, backwards = evidence(*rows.T), evidence(*rows.T[::-1])
    neither = stats.norm(0.0, 0.5).pdf(rows).prod()
    total = 0.255 * forwards + 0.255 * backwards + 0.49 * neither
    found = bayes_pair(rows, FIRST, AT_FIVE, 0).effect_probability
    assert_allclose(found, 0.255 * forwards / total, rtol=1e-9)
    other = bayes_pair(rows, SECOND, AT_FIVE[::-1], 0).effect_probability
    assert_allclose(other, 0.255 * backwards / total, rtol=1e-9)


@pytest.fixture(scope="module")
def answers() -> np.ndarray:
    """Of 3000 models of the law: what was said of an effect, whether there is one, and the PIT."""
    found = []
    for seed in range(3000):
        rows, cause, weight = draw(6, seed)
        rng = np.random.default_rng((seed, 1))
        target = 5.0 + 0.1 * rng.standard_normal()
        effect = (weight * target if cause == 0 else 0.0) + 0.5 * rng.standard_normal()
        prediction = bayes_pair(rows, FIRST, AT_FIVE, 0)
        pit = prediction.cdf([[target, effect]])[0, 1]
        found.append((prediction.effect_probability, cause == 0, pit))
    return np.array(found)


def test_said_probabilities_come_true_as_often(answers: np.ndarray) -> None:
    said, true, _ = answers.T
    bins = np.digitize(said, [0.02, 0.1, 0.3, 0.6, 0.9, 0.98])
    assert np.bincount(bins).min() > 100
    for number in range(7):
        here = bins == number
        error = np.sqrt((said[here] * (1 - said[here])).sum()) / here.sum()
        assert abs(said[here].mean() - true[here].mean()) < 3.5 * error


def test_true_rows_lie_anywhere_in_the_prediction_alike(answers: np.ndarray) -> None:
    assert stats.kstest(answers[:, 2], "uniform").pvalue > 1e-3


def test_many_rows_leave_the_true_law() -> None:
    rng = np.random.default_rng(0)
    cause = 0.5 * rng.standard_normal(100_000)
    rows = np.stack([cause, -1.3 * cause + 0.5 * rng.standard_normal(100_000)], axis=1)
    prediction = bayes_pair(rows, FIRST, AT_FIVE, 0)
    at = np.stack([np.full(7, 5.0), np.linspace(-8.0, -5.0, 7)], axis=1)
    law = stats.norm(-6.5, np.hypot(0.5, 0.13))
    assert_allclose(np.exp(prediction.log_prob(at)), law.pdf(at[:, 1]), atol=0.02)
    assert_allclose(prediction.cdf(at)[:, 1], law.cdf(at[:, 1]), atol=0.02)


def test_the_draws_follow_the_density() -> None:
    rows, _, _ = draw(4, 12)
    prediction = bayes_pair(rows, FIRST, AT_FIVE, 0)
    assert 0.05 < prediction.effect_probability < 0.95
    drawn = prediction.sample(20_000, seed=0)
    at = np.stack([np.full(5, 5.0), [-6.0, -1.0, 0.0, 1.0, 6.0]], axis=1)
    below = (drawn[:, None, 1] <= at[:, 1]).mean(axis=0)
    assert_allclose(prediction.cdf(at)[:, 1], below, atol=0.015)
    assert_allclose(drawn[:, 0].std(), 0.1, rtol=0.05)
    grid = np.stack([np.full(8001, 5.0), np.linspace(-20, 20, 8001)], axis=1)
    density = np.exp(prediction.log_prob(grid))
    assert_allclose(density.sum() * 40 / 8000, 1.0, atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-3, 1e6])
def test_data_that_the_law_could_never_give_still_have_a_finite_answer(scale: float) -> None:
    rows = scale * np.random.default_rng(0).standard_normal((40, 2))
    prediction = bayes_pair(rows, FIRST, AT_FIVE, 0)
    assert np.isfinite(prediction.log_prob([[5.0, 0.0]])).all()
    assert np.isfinite(prediction.sample(7, seed=0)).all()


@pytest.mark.parametrize(
    ("obs", "targets"),
    [(np.eye(3), np.array([True, False, False])), (np.eye(2), np.array([True, True]))],
)
def test_other_than_one_of_two_columns_is_refused(obs: np.ndarray, targets: np.ndarray) -> None:
    with pytest.raises(InputError, match="two columns and set one"):
        bayes_pair(obs, targets, np.where(targets, 1.0, np.nan), 0)


@pytest.mark.parametrize(
    "law",
    [{"edge_probability": 1.0}, {"low": 2.0}, {"noise_sd": 0.0}, {"target_sd": -1.0}],
)
def test_what_is_no_law_is_refused(law: dict[str, float]) -> None:
    with pytest.raises(InputError, match="give"):
        BayesPair(**law)
