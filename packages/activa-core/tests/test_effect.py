"""The answer in the user's units: closed forms against draws, and both kinds of model."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from activa_core.effect import InterventionalDistribution
from activa_core.errors import InputError
from activa_core.hypotheses import hypotheses
from activa_core.mixture import GaussianMixture
from activa_core.tables import Column, read_table
from scipy.stats import norm

COLUMNS = ["X", "Y", "Z"]
VALUE = 5.0  # of do(Y = 5), the column in the middle


def observed(*, named: bool) -> Any:
    rows = np.random.default_rng(0).normal(size=(30, 3)) * [1.0, 2.0, 50.0] + [0.0, 4.0, 300.0]
    return pd.DataFrame(rows, columns=COLUMNS) if named else rows


def answer(*, named: bool, target_modelled: bool = False) -> InterventionalDistribution:
    """Three draws of two components each over X and Z, or over X, Y and Z."""
    generator = torch.Generator().manual_seed(0)
    d, K = (3, 6) if target_modelled else (2, 6)
    center, unit = torch.tensor([[0.0, VALUE, 300.0], [1.0, 0.1, 50.0]], dtype=torch.float64)
    kept = [0, 1, 2] if target_modelled else [0, 2]

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    mixture = GaussianMixture(
        normal(K).log_softmax(dim=-1), normal(K, d), normal(K, d, 2) / 2, normal(K, d).exp() / 4
    ).affine(center[kept], unit[kept])
    target: Column = "Y" if named else 1
    return InterventionalDistribution(
        mixture=mixture,
        hypotheses=torch.tensor([0, 0, 1, 1, 2, 2]),
        observed=read_table(observed(named=named)),
        do={target: VALUE},
        fixed={} if target_modelled else {target: VALUE},
    )


@pytest.mark.parametrize("target_modelled", [False, True])
def test_closed_forms_agree_with_many_rows(target_modelled: bool) -> None:
    effect, n = answer(named=False, target_modelled=target_modelled), 100_000
    rows, sd = effect.sample(n, seed=1), np.sqrt(np.diag(effect.cov()))
    error = 5 / math.sqrt(n)  # five standard errors of a mean of unit variance
    assert (np.abs(rows.mean(axis=0) - effect.mean()) <= error * sd).all()
    # a covariance has at most the spread of a product of two columns, kurtosis included
    assert (np.abs(np.cov(rows.T) - effect.cov()) <= 2 * error * np.outer(sd, sd)).all()
    below = (rows <= effect.quantile(0.3)).mean(axis=0)
    np.testing.assert_allclose(below[[0, 2]], 0.3, atol=error)
    assert effect.prob("2 > 320") == pytest.approx((rows[:, 2] > 320).mean(), abs=error)


def test_a_fixed_target_is_a_point_mass_between_the_other_columns() -> None:
    effect = answer(named=False)
    assert effect.mean()[1] == VALUE
    assert effect.quantile([0.1, 0.9])[:, 1].tolist() == [VALUE, VALUE]
    assert (effect.sample(9)[:, 1] == VALUE).all()
    assert not effect.cov()[1].any()
    assert not effect.cov()[:, 1].any()
    assert effect.mean_interval()[1].tolist() == [VALUE, VALUE]
    steps = effect.cdf([[0.0, VALUE - 0.1, 0.0], [0.0, VALUE, 0.0]])[:, 1]
    assert steps.tolist() == [0.0, 1.0]
    events = ("1 < 5", "1 <= 5", "1 > 5", "1 >= 5")
    assert [effect.prob(event) for event in events] == [0.0, 1.0, 0.0, 1.0]


def test_a_modelled_target_keeps_its_spread_but_stays_out_of_the_density() -> None:
    effect = answer(named=False, target_modelled=True)
    assert effect.outcomes == (0, 2)
    assert effect.cov()[1, 1] > 0
    rows = effect.sample(7)
    moved = rows + np.array([0.0, 100.0, 0.0])
    np.testing.assert_array_equal(effect.log_prob(rows), effect.log_prob(moved))


def test_the_density_over_the_outcomes_integrates_to_one() -> None:
    effect = answer(named=False)
    x, z = np.linspace(-8, 8, 161), np.linspace(-100, 700, 161)
    grid = np.stack(np.meshgrid(x, [0.0], z, indexing="ij"), axis=-1).reshape(-1, 3)
    mass = np.exp(effect.log_prob(grid)).sum() * (x[1] - x[0]) * (z[1] - z[0])
    assert mass == pytest.approx(1.0, abs=1e-3)


def test_a_small_upper_tail_keeps_its_digits() -> None:
    zeros = torch.zeros(1, 2, dtype=torch.float64)
    plain = GaussianMixture(zeros[:, 0], zeros, zeros.unsqueeze(-1), zeros + 1)
    effect = replace(answer(named=False), mixture=plain, hypotheses=torch.tensor([0]))
    assert effect.prob("0 > 9") == pytest.approx(norm.sf(9), rel=1e-9)
    assert effect.prob("0 > 1") + effect.prob("0 <= 1") == pytest.approx(1.0)


def test_a_row_interval_holds_its_share_of_the_law() -> None:
    effect = answer(named=False)
    low, high = effect.row_interval(0.8).T
    share = (effect.cdf(high[None]) - effect.cdf(low[None]))[0]
    np.testing.assert_allclose(share[[0, 2]], 0.8, atol=1e-9)


def test_mean_interval_and_prob_moves_count_draws_and_not_components() -> None:
    base = answer(named=False)
    means = torch.tensor([[-9.0, 0], [9, 0], [2, 0], [2, 0], [-1, 0], [-3, 0]], dtype=torch.float64)
    equal = torch.full((6,), -math.log(6), dtype=torch.float64)
    effect = replace(base, mixture=replace(base.mixture, log_weights=equal, means=means))
    # the draws' means of X are 0, 2 and -2; D has mean about 0 and deviation about 1
    np.testing.assert_allclose(effect.mean_interval(0.9)[0], [-2.0, 2.0])
    np.testing.assert_allclose(effect.mean_interval(0.2)[0], [0.0, 0.0], atol=1e-12)
    assert effect.prob_moves(0, threshold=1.0) == pytest.approx(2 / 3)
    assert effect.prob_moves(0, threshold=9.0) == 0.0


def test_a_constant_column_moves_by_a_share_of_its_unit() -> None:
    effect = answer(named=False)
    rows = effect.observed.rows.copy()
    rows[:, 0] = effect.mean()[0] + 0.5
    flat = replace(effect, observed=read_table(rows))
    draws = hypotheses(effect.mixture, effect.hypotheses)
    moved = draws.weights @ (np.abs(draws.means[:, 0] - rows[0, 0]) > 0.2)
    assert 0 < moved < 1
    assert flat.prob_moves(0) == pytest.approx(moved)


def test_conditioning_divides_the_joint_density_by_the_marginal_one() -> None:
    effect, rows = answer(named=True), answer(named=True).sample(4)
    for _, row in rows.iterrows():
        table = row.to_frame().T
        given = effect.condition({"Z": row["Z"]})
        parts = given.log_prob(table) + effect.marginal("Z").log_prob(table[["Z"]])
        np.testing.assert_allclose(parts, effect.log_prob(table))
        assert given.mean()["Z"] == row["Z"]
        assert given.outcomes == ("X",)


def test_a_marginal_has_its_columns_in_the_order_asked_for() -> None:
    effect = answer(named=True)
    marginal = effect.marginal("Z", "Y")
    assert marginal.columns == ("Z", "Y")
    assert marginal.outcomes == ("Z",)
    assert marginal.mean()["Z"] == pytest.approx(effect.mean()["Z"])
    assert marginal.prob_moves("Z") == pytest.approx(effect.prob_moves("Z"))
    assert effect.marginal("Y").sample(2).to_numpy().tolist() == [[VALUE], [VALUE]]


def test_modes_are_the_distinct_answers() -> None:
    base = answer(named=True)
    means = torch.tensor([[-9.0, 300], [-9, 300], [-9, 300], [9, 300], [9, 300], [9, 300]])
    equal = torch.full((6,), -math.log(6), dtype=torch.float64)
    mixture = replace(base.mixture, log_weights=equal, means=means.double())
    points, weights = replace(base, mixture=mixture).modes()
    assert sorted(points["X"].round(3)) == pytest.approx([-9.0, 9.0])
    assert (points["Y"] == VALUE).all()
    np.testing.assert_allclose(weights, [0.5, 0.5])


def test_a_data_frame_comes_back_where_a_data_frame_went_in() -> None:
    named, plain = answer(named=True), answer(named=False)
    rows = named.sample(5, seed=3)
    assert list(rows.columns) == COLUMNS
    np.testing.assert_array_equal(rows.to_numpy(), plain.sample(5, seed=3))
    for name in ("mean", "cov", "row_interval", "mean_interval"):
        there, here = getattr(named, name)(), getattr(plain, name)()
        assert list(there.index) == COLUMNS
        np.testing.assert_array_equal(there.to_numpy(), here)
    assert list(named.cov().columns) == COLUMNS
    assert list(named.row_interval().columns) == ["low", "high"]
    assert named.quantile([0.1, 0.9]).loc[0.9, "X"] == plain.quantile(0.9)[0]


def test_rows_are_matched_by_name_and_answers_keep_their_index() -> None:
    effect = answer(named=True)
    rows = effect.sample(4, seed=3).set_index(pd.Index([9, 8, 7, 6]))
    shuffled = rows[["Z", "X", "Y"]].assign(extra=0.0)
    pd.testing.assert_series_equal(effect.log_prob(shuffled), effect.log_prob(rows))
    pd.testing.assert_frame_equal(effect.cdf(shuffled), effect.cdf(rows))
    np.testing.assert_array_equal(effect.log_prob(rows.to_numpy()), effect.log_prob(rows))


def test_the_summary_survives_json_and_says_what_the_methods_say() -> None:
    effect = answer(named=True)
    summary = json.loads(json.dumps(effect.summary(0.8)))
    assert summary["do"] == {"Y": VALUE}
    assert summary["hypotheses"] == 3
    assert list(summary["outcomes"]) == ["X", "Z"]
    assert summary["outcomes"]["Z"]["mean"] == effect.mean()["Z"]
    assert summary["outcomes"]["Z"]["row_interval"] == effect.row_interval(0.8).loc["Z"].tolist()
    assert summary["outcomes"]["Z"]["prob_moves"] == effect.prob_moves("Z")


def test_the_text_form_is_the_question() -> None:
    assert repr(answer(named=True)) == "p(X, Z | do(Y = 5)), a mixture of 6 Gaussians"


REFUSED: dict[str, tuple[Any, str]] = {
    "event": (lambda e: e.prob("X near 3"), "cannot read the event"),
    "event column": (lambda e: e.prob("W > 3"), 'no column "W"; the columns are "X", "Y", "Z"'),
    "moves column": (lambda e: e.prob_moves("W"), 'no column "W"'),
    "marginal column": (lambda e: e.marginal("W"), 'no column "W"'),
    "marginal twice": (lambda e: e.marginal("X", "X"), "each of them once"),
    "marginal of nothing": (lambda e: e.marginal(), "each of them once"),
    "density of a target": (lambda e: e.marginal("Y").log_prob([[5.0]]), "no density to evaluate"),
    "condition column": (lambda e: e.condition({"W": 3.0}), 'no column "W"'),
    "condition target": (lambda e: e.condition({"Y": 3.0}), 'column "Y" already has a value'),
    "condition text": (lambda e: e.condition({"X": "high"}), "not a finite number"),
    "quantile": (lambda e: e.quantile(1.5), "quantile level 1.5"),
    "quantile nan": (lambda e: e.quantile(math.nan), "quantile level nan"),
    "row level": (lambda e: e.row_interval(0.0), "level 0.0 of an interval"),
    "mean level": (lambda e: e.mean_interval(1.0), "level 1.0 of an interval"),
    "no rows": (lambda e: e.sample(0), "cannot draw 0 rows"),
    "few columns": (lambda e: e.log_prob([[1.0, 2.0]]), "the rows have 2 columns; give all 3"),
    "lost column": (lambda e: e.cdf(pd.DataFrame({"X": [1.0], "Y": [5.0]})), 'no column "Z"'),
}


@pytest.mark.parametrize("question", REFUSED)
def test_a_question_that_cannot_be_answered_is_refused(question: str) -> None:
    ask, sentence = REFUSED[question]
    with pytest.raises(InputError, match=sentence):
        ask(answer(named=True))
