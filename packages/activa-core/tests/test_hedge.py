from dataclasses import replace

import numpy as np
import pytest
import torch
from activa_core import Activa
from activa_core.config import ModelConfig
from activa_core.hedge import hedge, share
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


def test_its_share_of_an_answer_falls_with_the_rows() -> None:
    network = Activa.from_pretrained("general-2")
    bold = ModelConfig(**{**network.config.model_dump(), "hedge_rows": 20.0})
    none = ModelConfig(**{**network.config.model_dump(), "hedge_rows": 0.0})
    answers = {}
    for config in (bold, none):
        model = CVAE(config)
        model.load_state_dict(network.model.state_dict())
        for N in (20, 200):
            answers[config.hedge_rows, N] = Activa(model, network.card).intervene(
                table(N, 2), {0: 6.0}
            )
    for N, expected in ((20, 0.5), (200, 1 / 101)):
        mixed, alone = answers[20.0, N], answers[0.0, N]
        weights = mixed.mixture.log_weights.exp()
        assert share(N, 20.0) == pytest.approx(expected)
        assert weights[-2:].tolist() == pytest.approx([expected / 2] * 2)
        assert float(weights.sum()) == pytest.approx(1)
        assert len(np.unique(mixed.hypotheses)) == len(np.unique(alone.hypotheses)) + 2
        rows = table(40, 2).numpy()
        halves = replace(
            mixed,
            mixture=hedge(table(N, 2), 0, 6.0, network.config.eps).marginal([1]),
            hypotheses=torch.tensor([0, 1]),
        )
        densities = [np.exp(answer.log_prob(rows)) for answer in (mixed, alone, halves)]
        np.testing.assert_allclose(
            densities[0], (1 - expected) * densities[1] + expected * densities[2], rtol=1e-2
        )


def test_it_knows_nothing_of_units() -> None:
    with pytest.raises(ValidationError, match="the hedge knows nothing of units"):
        ModelConfig(hedge_rows=20.0)
