"""The picture: what is drawn where, and a sentence where it cannot be."""

import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from activa_core.effect import InterventionalDistribution
from activa_core.errors import InputError
from activa_core.mixture import GaussianMixture
from activa_core.plots import _conditional, _predicted, _short, plot_effect
from activa_core.tables import Column, Table, read_table


def answer(d: int, *, rows: int = 30) -> InterventionalDistribution:
    """Five hypotheses about d columns under do(the first = 2), some names hard to draw."""
    names = ["dose ($)", "cost_a $x$", "Größe", "y", "z"][:d]
    data = np.random.default_rng(0).normal(size=(rows, d)).cumsum(axis=1)
    generator = torch.Generator().manual_seed(0)
    means = torch.randn(5, d - 1, generator=generator, dtype=torch.float64)
    one = torch.ones(5, d - 1, dtype=torch.float64)
    mixture = GaussianMixture(-one[:, 0] * np.log(5), means, 0 * one[..., None], one)
    do: dict[Column, float] = {names[0]: 2.0}
    observed = read_table(pd.DataFrame(data, columns=names))
    return InterventionalDistribution(mixture, torch.arange(5), observed, do, do)


@pytest.mark.parametrize(
    ("name", "begins"), [("a.png", b"\x89PNG"), ("b.PDF", b"%PDF"), ("c.svg", b"<?xml")]
)
def test_an_answer_is_drawn_into_a_file_and_nothing_else_is_left(
    name: str, begins: bytes, tmp_path: Path
) -> None:
    answer(2).plot(tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "effect",
    [
        answer(5),
        answer(3).marginal("Größe"),
        answer(3).marginal("cost_a $x$", "Größe"),
        answer(3).condition({"Größe": 1.0}),
        answer(4).condition({"y": 1.0}).marginal("dose ($)", "Größe"),
        answer(3, rows=2),
    ],
    ids=[
        "five columns",
        "target lost",
        "two outcomes",
        "conditioned",
        "condition lost",
        "two rows",
    ],
)
def test_any_number_of_outcomes_can_be_drawn(
    effect: InterventionalDistribution, tmp_path: Path
) -> None:
    effect.plot(tmp_path / "effect.png")
    assert (tmp_path / "effect.png").stat().st_size > 10_000


def test_drawing_touches_no_global_state_of_matplotlib(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    answer(2).plot(tmp_path / "effect.png")
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_the_plain_conditional_is_the_fitted_gaussian_conditioned() -> None:
    effect = answer(3)
    rows = torch.from_numpy(effect.observed.rows)
    factor = torch.linalg.cholesky(torch.cov(rows.T))[None]
    none = torch.full((1, 3), 1e-12, dtype=torch.float64)
    fitted = GaussianMixture(none[:, 0] * 0, rows.mean(dim=0)[None], factor, none)
    law = fitted.condition([0], torch.tensor([2.0], dtype=torch.float64)).marginal([1])
    grid, density = _conditional(effect, "Größe")
    expected = law.log_prob(torch.from_numpy(grid)[:, None]).exp().numpy()
    np.testing.assert_allclose(density, expected, rtol=1e-6)


def test_a_conditional_without_spread_is_still_a_curve() -> None:
    line = np.arange(6.0)[:, None] * [1.0, 2.0]
    effect = answer(2)
    exact = InterventionalDistribution(
        effect.mixture, effect.hypotheses, Table(line, effect.columns), effect.do, effect.fixed
    )
    grid, density = _conditional(exact, effect.columns[1])
    assert np.isfinite(density).all()
    assert grid.mean() == pytest.approx(4.0)


def test_the_predicted_curve_is_nearly_all_of_the_prediction() -> None:
    grid, density = _predicted(answer(3), "Größe")
    mass = density.sum() * (grid[1] - grid[0])
    assert mass == pytest.approx(0.998, abs=1e-3)  # between the quantiles 0.001 and 0.999


@pytest.mark.parametrize(
    ("value", "text"), [(21345.6, "21300"), (0.0, "0"), (-0.012345, "-0.0123"), (7.0, "7")]
)
def test_numbers_in_titles_have_three_digits(value: float, text: str) -> None:
    assert _short(value) == text


def test_a_format_that_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"let the name end in \.pdf, \.png, \.svg"):
        plot_effect(answer(2), tmp_path / "effect.csv")


def test_an_answer_without_outcomes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to draw"):
        answer(2).condition({"cost_a $x$": 0.0}).plot(tmp_path / "effect.png")


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*No such file or directory; choose"):
        answer(2).plot(tmp_path / "missing" / "effect.png")


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match=r'pip install "activa-core\[plot\]"'):
        answer(2).plot(tmp_path / "effect.png")


def test_a_column_that_is_constant_in_the_data_is_drawn_without_a_conditional(
    tmp_path: Path,
) -> None:
    effect, constant = answer(3), [False, True, False]
    rows = np.where(constant, 0.0, effect.observed.rows)  # such as a gene that is off
    observed = Table(rows, effect.observed.columns, effect.observed.index)
    replace(effect, observed=observed).plot(tmp_path / "effect.png")
    assert (tmp_path / "effect.png").stat().st_size > 0
