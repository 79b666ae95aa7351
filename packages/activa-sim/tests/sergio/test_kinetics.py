import numpy as np
import pytest
from activa_sim import InputError
from activa_sim.rng import model_streams
from activa_sim.sergio.kinetics import Kinetics
from numpy.testing import assert_array_equal
from scipy import stats

P = 1e-4  # smallest p value that passes; seeds are fixed, so a test passes always or never


def test_rates_follow_their_laws() -> None:
    law = Kinetics(basal=(0.5, 2.0), strength=(3.0, 7.0))
    rates = law.draw(model_streams(0, "train", 0, 400), 7, 3)
    assert rates.strength.shape == (400, 7, 7)
    assert rates.basal.shape == (400, 7, 3)
    assert stats.kstest(rates.strength.ravel(), stats.uniform(3.0, 4.0).cdf).pvalue > P
    assert stats.kstest(rates.basal.ravel(), stats.uniform(0.5, 1.5).cdf).pvalue > P
    for numbers, values in (
        (rates.hill, law.hill),
        (rates.decay, law.decay),
        (rates.noise_amplitude, law.noise_amplitude),
    ):
        counts = [(numbers == value).sum() for value in values]
        assert sum(counts) == 400
        assert stats.chisquare(counts).pvalue > P


def test_a_model_draws_hill_decay_and_amplitude_apart() -> None:
    rates = Kinetics().draw(model_streams(1, "train", 0, 4000), 1, 1)
    triples = zip(rates.hill, rates.decay, rates.noise_amplitude, strict=True)
    _, counts = np.unique(list(triples), axis=0, return_counts=True)
    assert stats.chisquare(counts).pvalue > P
    assert len(counts) == 27


@pytest.mark.parametrize("sign", [(1.0, 1.0), (0.5, 0.5), (2.0, 6.0)])
def test_a_regulator_activates_a_beta_share_of_its_targets(sign: tuple[float, float]) -> None:
    rates = Kinetics(sign=sign).draw(model_streams(2, "train", 0, 500), 6, 1)
    activated = rates.activates.sum(axis=2).ravel()  # of six targets: a beta-binomial number
    expected = stats.betabinom(6, *sign).pmf(np.arange(7)) * activated.size
    assert stats.chisquare(np.bincount(activated, minlength=7), expected).pvalue > P


def test_regulators_draw_their_shares_apart_and_signs_do_not_follow_strengths() -> None:
    rates = Kinetics(sign=(0.5, 0.5)).draw(model_streams(2, "train", 0, 1000), 6, 1)
    activated = rates.activates.mean(axis=2)  # (M, d)
    assert stats.pearsonr(activated[:, 0], activated[:, 1]).pvalue > P
    assert stats.pearsonr(rates.activates.ravel(), rates.strength.ravel()).pvalue > P


def test_the_rates_of_a_model_depend_on_it_alone() -> None:
    whole = Kinetics().draw(model_streams(3, "test", 0, 9), 5, 2)
    part = Kinetics().draw(model_streams(3, "test", 7, 2), 5, 2)
    for name, numbers in vars(part).items():
        assert_array_equal(numbers, getattr(whole, name)[7:])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("basal", (-1.0, 1.0), r"low is -1\.0"),
        ("strength", (5.0, 1.0), r"low is 5\.0 and high is 1\.0"),
        ("sign", (0.0, 1.0), r"sign is \(0\.0, 1\.0\); give Beta parameters"),
        ("hill", (), r"hill is \(\); give one or more positive numbers"),
        ("decay", (0.8, 0.0), "decay is"),
        ("noise_amplitude", (float("nan"),), "noise_amplitude is"),
    ],
)
def test_refuses_rates_that_no_cell_has(field: str, value: tuple[float, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Kinetics(**{field: value})  # type: ignore[arg-type]
