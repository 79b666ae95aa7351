import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.noises import AssortedNoise, BetaNoise, GaussianNoise
from activa_sim.noises.families import FAMILIES
from activa_sim.rng import Site, Streams, model_streams
from scipy import stats

REGIMES = range(1, 4)


def streams(models: int) -> Streams:
    return model_streams(3, "train", 0, models)


def test_gaussian_noise_has_the_deviation_asked_for() -> None:
    law = GaussianNoise(0.5).draw(streams(50), 7)
    noise = law.sample(streams(50).at(Site.NOISE, range(7), REGIMES), 65)
    assert noise.shape == (50, 7, 3, 65)
    assert stats.kstest(noise.reshape(-1), stats.norm(0, 0.5).cdf).pvalue > 1e-4


def test_beta_noise_keeps_its_law_in_every_regime_and_differs_between_variables() -> None:
    law = BetaNoise().draw(streams(3), 2)
    noise = law.sample(streams(3).at(Site.NOISE, range(2), REGIMES), 20_000)
    a, b = np.moveaxis(0.5 + 1.5 * streams(3).at(Site.NOISE_LAW, range(2)).uniform(2), -1, 0)
    for place in np.ndindex(3, 2):
        cdf = stats.beta(a[place], b[place]).cdf
        assert min(stats.kstest(regime, cdf).pvalue for regime in noise[place]) > 1e-4
    assert np.unique(a).size == a.size


def test_parameters_of_beta_noise_fill_their_range() -> None:
    law = BetaNoise(0.5, 2.0).draw(streams(500), 2)
    noise = law.sample(streams(500).at(Site.NOISE, range(2), range(1, 2)), 1000)
    mean, var = noise.mean(axis=-1), noise.var(axis=-1)
    size = mean * (1 - mean) / var - 1  # a + b, by moments, to about 4 %
    assert 1.0 < np.quantile(size, 0.002) < 1.25
    assert 3.5 < np.quantile(size, 0.998) < 4.6


def test_each_variable_has_a_family_of_its_own_with_the_shares_asked_for() -> None:
    families = AssortedNoise(first_share=0.35, all_first=0.0).draw(streams(20_000), 2).families
    for name in FAMILIES:
        share = 0.35 if name == "gaussian" else 0.65 / 7
        assert abs((families == name).mean() - share) < 4 * np.sqrt(share / families.size)
    both = (families == "gaussian").all(axis=1).mean()
    assert abs(both - 0.35**2) < 4 * np.sqrt(0.35**2 / len(families))


def test_a_share_of_the_models_has_the_first_family_throughout() -> None:
    families = AssortedNoise(first_share=0.35, all_first=0.5).draw(streams(20_000), 2).families
    share = 0.5 + 0.5 * 0.35**2
    throughout = (families == "gaussian").all(axis=1).mean()
    assert abs(throughout - share) < 4 * np.sqrt(share * (1 - share) / len(families))


def test_a_variable_draws_from_the_family_that_it_names() -> None:
    law = AssortedNoise().draw(streams(300), 2)
    at = streams(300).at(Site.NOISE, range(2), REGIMES)
    noise = law.sample(at, 40)
    uniform, gaussian = law.families == "uniform", law.families == "gaussian"
    assert np.abs(noise[uniform]).max() < np.sqrt(3)
    np.testing.assert_array_equal(noise[gaussian], at[gaussian].normal(40))


def test_one_family_can_be_asked_for_alone() -> None:
    assert (AssortedNoise(("laplace",)).draw(streams(9), 3).families == "laplace").all()


def test_refuses_parameters_that_no_law_has() -> None:
    with pytest.raises(InputError, match=r"sd is -1; give a standard deviation"):
        GaussianNoise(-1)
    with pytest.raises(InputError, match=r"low is 0 and high is 2.0; give 0.1 <= low <= high"):
        BetaNoise(0)
    with pytest.raises(InputError, match='unknown noise family "cauchy"; choose from gaussian, un'):
        AssortedNoise(("gaussian", "cauchy"))
    with pytest.raises(InputError, match="no noise family was given; choose from gaussian"):
        AssortedNoise(())
