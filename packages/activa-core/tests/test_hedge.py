from dataclasses import replace

import numpy as np
import pytest
import torch
from activa_core import Activa
from activa_core.config import ModelConfig
from activa_core.hedge import hedge, normality, share
from activa_core.model import CVAE
from pydantic import ValidationError
from scipy import stats

NO_EPS = 1e-12


def table(N: int, d: int = 3) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(N, d)) @ rng.normal(size=(d, d)) + 5)


@pytest.mark.parametrize("N", [6, 20, 300])
def test_both_halves_have_the_moments_of_the_students_t_of_statistics(N: int) -> None:
    rows = table(N)
    found = hedge(rows, 1, 7.5, NO_EPS)
    x = rows[:, 1].numpy()
    for j in (0, 2):
        y = rows[:, j].numpy()
        line = stats.linregress(x, y)
        noise = ((y - line.intercept - line.slope * x) ** 2).sum() / (N - 2)
        at = 1 + 1 / N + (7.5 - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum()
        follows = stats.t(N - 2, line.intercept + 7.5 * line.slope, (noise * at) ** 0.5)
        stays = stats.t(N - 1, y.mean(), (y.var(ddof=1) * (1 + 1 / N)) ** 0.5)
        for half, law in enumerate((stays, follows)):
            np.testing.assert_allclose(found.means[half, j], law.mean(), rtol=1e-9)
            np.testing.assert_allclose(found.variances[half, j], law.var(), rtol=1e-9)
    assert found.means[:, 1].tolist() == pytest.approx([7.5, 7.5])
    assert found.variances[:, 1].tolist() == pytest.approx([0, 0], abs=1e-9)


def test_columns_covary_as_they_do_and_around_the_lines() -> None:
    rows = table(1000)
    stays, follows = (half for half in hedge(rows, 1, 5.0, NO_EPS).factors)
    seen = np.cov(rows.numpy().T)
    around = seen - np.outer(seen[1], seen[1]) / seen[1, 1]
    for factor, expected in ((stays, seen), (follows, around)):
        found = (factor @ factor.mT)[np.ix_([0, 2], [0, 2])]
        np.testing.assert_allclose(found, expected[np.ix_([0, 2], [0, 2])], rtol=0.01)


@pytest.mark.parametrize("N", [2, 3, 4])
def test_a_handful_of_rows_gives_finite_numbers(N: int) -> None:
    found = hedge(table(N, 2), 0, 1.0, 1e-3)
    assert torch.isfinite(found.variances).all()
    assert torch.isfinite(found.log_prob(table(N, 2))).all()


@pytest.mark.parametrize("d", [2, 3])
def test_normality_is_by_mardias_statistics_of_all_pairs_of_rows(d: int) -> None:
    rows = table(80, d).numpy() ** 3
    N = len(rows)
    away = rows - rows.mean(axis=0)
    products = away @ np.linalg.inv(np.cov(rows.T, ddof=0)) @ away.T
    skewness = N * (products**3).mean() / 6
    kurtosis = (np.diag(products) ** 2).mean() - d * (d + 2) * (N - 1) / (N + 1)
    statistic = skewness + kurtosis**2 / (8 * d * (d + 2) / N)
    expected = stats.chi2.sf(statistic, d * (d + 1) * (d + 2) / 6 + 1)
    assert normality(torch.from_numpy(rows)) == pytest.approx(expected, rel=1e-6)
    turned = rows @ np.random.default_rng(1).normal(size=(d, d)) * 1e3 - 7
    assert normality(torch.from_numpy(turned)) == pytest.approx(expected, rel=1e-6)


def test_normal_columns_have_any_p_value_and_others_a_small_one() -> None:
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(400, 500, 2)) @ [[1.0, 0.8], [0.0, 0.6]]
    p_values = [normality(torch.from_numpy(rows)) for rows in normal]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    bent = np.stack([normal[..., 0], normal[..., 0] ** 2 / 3 + normal[..., 1]], axis=-1)
    assert max(normality(torch.from_numpy(rows)) for rows in bent) < 1e-6


@pytest.mark.parametrize("rows", [table(2, 3), table(50, 1).expand(50, 2)])
def test_columns_that_follow_from_others_are_no_normal_law(rows: torch.Tensor) -> None:
    assert normality(rows) == 0.0


def test_its_share_falls_with_the_rows_unless_they_look_normal() -> None:
    bent = table(200, 2) ** 3
    assert share(bent, 20.0) == pytest.approx(1 / 101)
    assert share(bent[:100], 100.0) == pytest.approx(0.5)
    normal = torch.from_numpy(stats.norm.ppf((np.arange(200) + 0.5) / 200))
    shuffled = normal[torch.randperm(200, generator=torch.Generator().manual_seed(0))]
    looks_normal = torch.stack([normal, normal + shuffled], dim=1)
    assert normality(looks_normal) > 0.5
    assert share(looks_normal, 20.0) == pytest.approx(1 - 0.3 * 100 / 101)


@pytest.mark.parametrize("N", [20, 200])
def test_an_answer_is_its_share_of_the_hedge_and_the_rest_the_networks(N: int) -> None:
    network, rows = Activa.from_pretrained("general-2"), table(N, 2)
    mixed, alone = (
        with_hedge_rows(network, hedge_rows).intervene(rows, {0: 6.0}) for hedge_rows in (20.0, 0.0)
    )
    expected = share(rows, 20.0)
    weights = mixed.mixture.log_weights.exp()
    assert weights[-2:].tolist() == pytest.approx([expected / 2] * 2)
    assert float(weights.sum()) == pytest.approx(1)
    assert len(np.unique(mixed.hypotheses)) == len(np.unique(alone.hypotheses)) + 2
    eps = network.config.eps * float(rows[:, 1].var())  # in the table's units
    halves = replace(
        mixed,
        mixture=hedge(rows, 0, 6.0, eps).marginal([1]),
        hypotheses=torch.tensor([0, 1]),
    )
    asked = table(40, 2).numpy()
    densities = [np.exp(answer.log_prob(asked)) for answer in (mixed, alone, halves)]
    np.testing.assert_allclose(
        densities[0], (1 - expected) * densities[1] + expected * densities[2], rtol=1e-3
    )


def with_hedge_rows(network: Activa, hedge_rows: float) -> Activa:
    model = CVAE(ModelConfig(**{**network.config.model_dump(), "hedge_rows": hedge_rows}))
    model.load_state_dict(network.model.state_dict())
    return Activa(model, network.card)


def test_it_knows_nothing_of_units() -> None:
    with pytest.raises(ValidationError, match="the hedge knows nothing of units"):
        ModelConfig(hedge_rows=20.0)
