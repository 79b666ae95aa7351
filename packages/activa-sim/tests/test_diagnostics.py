from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from activa_sim import CausalBatch, InputError, simulator
from activa_sim.diagnostics import effective_rows, report
from activa_sim.graphs import Chain, Empty
from activa_sim.mechanisms import BandedMechanism
from activa_sim.noises import GaussianNoise
from activa_sim.queries import FixedValue, Shift, Subsets
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray


def test_the_papers_data_show_their_order_by_variance_and_normalised_data_do_not() -> None:
    paper = simulator("gauss-8")
    flat = paper.changed(mechanism=BandedMechanism(normalised=True), noise=GaussianNoise(1.0))
    shown, hidden = (report(law.sample(200, 500)).var_sortability for law in (paper, flat))
    assert shown is not None
    assert hidden is not None
    assert np.nanmean(shown) > 0.9
    assert abs(np.nanmean(hidden) - 0.5) < 4 * np.nanstd(hidden) / np.sqrt(200)


def test_a_chain_has_the_degrees_and_descendants_of_a_chain() -> None:
    batch = simulator("gauss-8").changed(graph=Chain(), variables=3).sample(9, 30)
    described = report(batch)
    assert described.in_degrees is not None
    assert described.out_degrees is not None
    assert described.reached is not None
    assert_array_equal(np.sort(described.in_degrees, axis=1), np.tile([0, 1, 1], (9, 1)))
    assert_array_equal(np.sort(described.out_degrees, axis=1), np.tile([0, 1, 1], (9, 1)))
    assert_array_equal(np.sort(described.reached.sum(axis=2), axis=1), np.tile([0, 1, 2], (9, 1)))


def test_effects_are_changes_of_means_in_observed_deviations() -> None:
    batch = simulator("gauss-8").changed(variables=4, targets=Subsets(5, 1, 2)).sample(7, 30)
    effects = report(batch).effects
    for m, q, j in np.ndindex(7, 5, 4):
        rows = batch.obs[m, :, j].astype(np.float64)
        change = (batch.interv[m, q, :, j].astype(np.float64).mean() - rows.mean()) / rows.std()
        assert_allclose(effects[m, q, j], np.nan if batch.targets[m, q, j] else change)


def test_queries_without_an_effect_are_seen_to_act_as_often_as_the_level_says() -> None:
    described = report(simulator("gauss-8").changed(graph=Empty()).sample(500, 200))
    assert described.reached is not None
    assert not described.reached.any()
    # the eight queries of a model share its observation, so their errors are correlated
    assert 0.002 < described.seen.mean() < 0.02


def test_strong_queries_are_seen_to_act() -> None:
    law = simulator("gauss-8").changed(graph=Chain(), variables=3, query=FixedValue(30.0))
    described = report(law.sample(50, 30))
    assert described.reached is not None
    assert_array_equal(described.seen | ~described.reached.any(axis=2), True)


def autoregressive(correlation: float, shape: tuple[int, int, int]) -> NDArray[np.float64]:
    steps = np.random.default_rng(0).normal(size=shape)
    for n in range(1, shape[1]):
        steps[:, n] = correlation * steps[:, n - 1] + np.sqrt(1 - correlation**2) * steps[:, n]
    return steps


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_correlated_neighbours_are_worth_less(correlation: float) -> None:
    rows = autoregressive(correlation, (50, 400, 3))
    expected = 400 * (1 - correlation) / (1 + correlation)
    assert_allclose(effective_rows(rows), expected, rtol=0.1)
    shuffled = np.random.default_rng(1).permuted(rows, axis=1)
    assert effective_rows(shuffled) > 370
    assert effective_rows(rows[:, :3]) == 3
    assert effective_rows(np.ones((2, 9, 2))) == 9


def test_rows_that_depend_on_each_other_in_any_order_scatter_the_means() -> None:
    batch = simulator("gauss-8").changed(graph=Empty()).sample(100, 40)
    common = np.random.default_rng(0).normal(size=(100, 9, 1, 8)).astype(np.float32)
    dependent = replace(
        batch, obs=batch.obs + 0.2 * common[:, 0], interv=batch.interv + 0.2 * common[:, 1:]
    )
    independent, worth = (report(b).effective_rows_by_means for b in (batch, dependent))
    assert independent is not None
    assert worth is not None
    assert abs(independent - 40) < 3
    # a mean's variance is 1/N of 0.25 and the common part's 0.04
    assert_allclose(worth, 0.25 / (0.25 / 40 + 0.04), rtol=0.15)


def test_coupled_queries_are_seen_to_act_where_they_reach_and_nowhere_else() -> None:
    law = simulator("gauss-8").changed(query=Shift(0.1, 0.1), coupled=True, variables=4)
    described = report(law.sample(50, 9))
    assert described.reached is not None
    assert_array_equal(described.seen, described.reached.any(axis=2))


def test_coupled_regimes_say_nothing_of_the_rows() -> None:
    law = simulator("gauss-8").changed(graph=Empty(), query=Shift(), coupled=True)
    assert report(law.sample(5, 9)).effective_rows_by_means is None


def test_a_batch_without_graphs_is_described_as_far_as_it_goes() -> None:
    bare = replace(simulator("gauss-2").sample(9, 30), graphs=None)
    described = report(bare)
    for unknown in (described.var_sortability, described.reached, described.in_degrees):
        assert unknown is None
    text = str(described)
    assert "sortability" not in text
    assert text.startswith("9 models, 2 variables, 30 rows, 2 queries\n")
    assert "queries seen to act" in text


def test_the_text_has_a_line_a_diagnostic() -> None:
    text = str(report(simulator("gauss-8").sample(50, 30)))
    for name in (
        "effective rows",
        "edges a model",
        "var-sortability",
        "R2-sortability",
        "effect s",
    ):
        assert name in text
    lonely = str(report(simulator("gauss-8").changed(graph=Empty()).sample(2, 9)))
    assert "var-sortability       unknown" in lonely


@pytest.mark.parametrize("n", [1, 2])
def test_few_rows_and_constant_columns_raise_nothing(n: int) -> None:
    batch = simulator("gauss-2").sample(3, n)
    constant = CausalBatch(
        np.ones_like(batch.obs), np.ones_like(batch.interv), batch.targets, batch.values
    )
    assert not report(constant).seen.any()
    assert np.isnan(report(constant).effects).all()
    assert len(str(report(batch)).splitlines()) > 4


def test_a_batch_without_models_has_nothing_to_describe() -> None:
    with pytest.raises(InputError, match=r"obs has shape \(0, 9, 2\); give at least one model"):
        report(simulator("gauss-2").sample(3, 9)[:0])


def test_the_figure_is_a_png(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with_graphs = simulator("gauss-8").sample(20, 30)
    for name, batch in (("a.png", with_graphs), ("b.svg", replace(with_graphs, graphs=None))):
        report(batch).plot(tmp_path / name)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "svg" in (tmp_path / "b.svg").read_text()[:500]


def test_a_figure_needs_a_name_and_a_folder(tmp_path: Path) -> None:
    described = report(simulator("gauss-2").sample(3, 9))
    with pytest.raises(
        InputError, match=r"a\.npz is no figure's name; end it in \.png, \.pdf, \.s"
    ):
        described.plot(tmp_path / "a.npz")
    pytest.importorskip("matplotlib")
    with pytest.raises(
        InputError, match=r"cannot write .*a\.png \(No such file or directory\); free"
    ):
        described.plot(tmp_path / "missing" / "a.png")
