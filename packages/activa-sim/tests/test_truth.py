from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from activa_sim import CausalBatch, InputError, SergioConfig, Simulator, simulator
from activa_sim.graphs import EdgeList
from activa_sim.graphs.paths import closure
from activa_sim.latents import Confounders
from activa_sim.levels import Levels
from activa_sim.mechanisms import (
    AssortedMechanism,
    BandedMechanism,
    FourierMechanism,
    Heteroscedastic,
    LinearMechanism,
    MechanismLaw,
    MixedMechanism,
)
from activa_sim.noises import GumbelNoise
from activa_sim.queries import FixedValue, MixedQuery, RandomValue, Shift, Subsets
from activa_sim.truth import Truth
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

KINDS = MixedQuery((FixedValue(4.0, 0.5), Shift(2.0, 3.0), RandomValue(-2.0, 2.0, 1.5)))
SCALED = AssortedMechanism(("linear",))  # by calibration rows, so that means are not zero
LINEAR = {
    "paper": simulator("gauss-8"),
    "beta": simulator("beta-2"),
    "kinds": simulator("beta-8").changed(variables=4, query=KINDS),
    "subsets": simulator("gauss-8").changed(variables=4, query=KINDS, targets=Subsets(5, 0, 3)),
    "hidden": simulator("beta-8").changed(variables=4, latents=Confounders(2), query=KINDS),
    "normalised": simulator("gauss-8").changed(
        mechanism=BandedMechanism(normalised=True), noise=GumbelNoise()
    ),
    "scaled": simulator("gauss-8").changed(
        variables=4, mechanism=SCALED, noise=GumbelNoise(), query=KINDS, latents=Confounders()
    ),
    "mixed": simulator("beta-8").changed(
        variables=4, mechanism=MixedMechanism((SCALED, BandedMechanism()))
    ),
    "pairs": simulator("linear-gaussian-2"),
}


def assert_near(rows: NDArray[np.float32], mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> None:  # fmt: skip
    """Compare rows (N, d) with exact moments, within 5 standard errors."""
    centred = rows.astype(np.float64) - mean
    products = centred[:, :, None] * centred[:, None, :]  # (N, d, d)
    for numbers, exact in ((centred, np.zeros_like(mean)), (products, covariance)):
        error = numbers.std(axis=0) / np.sqrt(len(rows))
        assert (np.abs(numbers.mean(axis=0) - exact) < 5 * error + 1e-6).all()


@pytest.mark.parametrize("name", sorted(LINEAR))
def test_linear_moments_are_those_of_the_data(name: str) -> None:
    batch = LINEAR[name].sample(2, 20_000, seed=5, split="test", start=11)
    truth = Truth.of(batch)
    assert truth.rows is None
    assert truth.moments is not None
    moments = truth.moments
    for m in range(2):
        assert_near(batch.obs[m], moments.mean[m], moments.covariance[m])
        for q in range(batch.targets.shape[1]):
            rows = batch.interv[m, q]
            assert_near(rows, moments.interv_mean[m, q], moments.interv_covariance[m, q])


def test_the_weights_are_those_that_answer_a_shift() -> None:
    law = simulator("gauss-8").changed(query=Shift(1.0, 1.0), coupled=True, latents=Confounders(2))
    batch = law.sample(9, 3)
    truth = Truth.of(batch)
    assert truth.weights is not None
    assert_array_equal(truth.graphs, truth.weights != 0.0)
    assert_array_equal(truth.graphs[:, :8, :8], batch.graphs)
    total = np.linalg.inv(np.eye(10) - truth.weights)[:, :8, :8]  # of a unit, along all paths
    moved = batch.interv.astype(np.float64) - batch.obs[:, None]
    assert_allclose(moved, np.repeat(total[:, :, None], 3, axis=2), atol=1e-4)


@pytest.mark.parametrize(
    "law",
    [
        simulator("general-2"),
        simulator("gauss-8").changed(
            variables=4,
            mechanism=MixedMechanism(),
            noise=GumbelNoise(),
            query=KINDS,
            latents=Confounders(),
            targets=Subsets(3, 1, 2),
        ),
        simulator("gauss-8").changed(variables=3, levels=Levels(0.5)),
    ],
)
def test_estimated_moments_are_those_of_the_data(law: Simulator) -> None:
    batch = law.sample(3, 10_000, seed=5)
    truth = Truth.of(batch, rows=40_000)
    assert truth.rows == 40_000
    moments = truth.moments
    assert moments is not None
    sd = np.sqrt(np.diagonal(moments.covariance, axis1=1, axis2=2))
    assert (
        np.abs(batch.obs.mean(axis=1) - moments.mean) < 5 * sd * np.sqrt(1 / 10_000 + 1 / 40_000)
    ).all()
    interv_sd = np.sqrt(np.diagonal(moments.interv_covariance, axis1=2, axis2=3))
    apart = np.abs(batch.interv.mean(axis=2, dtype=np.float64) - moments.interv_mean)
    assert (apart < 5 * interv_sd * np.sqrt(1 / 10_000 + 1 / 40_000) + 1e-5).all()
    assert_allclose(batch.interv.std(axis=2, dtype=np.float64), interv_sd, rtol=0.1, atol=1e-5)


def test_an_estimate_uses_rows_of_its_own() -> None:
    batch = simulator("general-2").sample(2, 5000)
    moments = Truth.of(batch, rows=5000).moments
    assert moments is not None
    assert not np.isclose(moments.mean, batch.obs.mean(axis=1, dtype=np.float64), atol=1e-6).any()


@pytest.mark.parametrize("around", [LinearMechanism(), SCALED])
def test_linear_mechanisms_with_something_around_them_have_no_closed_form(
    around: MechanismLaw,
) -> None:
    law = simulator("gauss-2").changed(mechanism=Heteroscedastic(around))
    truth = Truth.of(law.sample(2, 9))
    assert truth.moments is None
    assert truth.weights is None


def test_without_a_closed_form_nothing_is_estimated_unasked() -> None:
    truth = Truth.of(simulator("general-2").sample(2, 9))
    assert truth.moments is None
    assert truth.weights is None
    assert truth.mechanism.families.shape == (2, 2, 2)


def test_parts_and_files_of_a_batch_have_the_same_truth(tmp_path: Path) -> None:
    law = simulator("gauss-8").changed(mechanism=FourierMechanism(), variables=4)
    batch = law.sample(9, 30, seed=2, start=2**33)
    batch.save(tmp_path / "a.npz")
    whole, part = (
        Truth.of(b, rows=50) for b in (batch, CausalBatch.load(tmp_path / "a.npz")[[7, 2]])
    )
    assert whole.moments is not None
    assert part.moments is not None
    assert_array_equal(part.graphs, whole.graphs[[7, 2]])
    assert_array_equal(part.moments.mean, whole.moments.mean[[7, 2]])
    assert_array_equal(part.moments.interv_mean, whole.moments.interv_mean[[7, 2]])


def test_ancestors_are_at_the_beginning_of_a_path() -> None:
    edges = ((3, 0), (0, 2), (4, 1))
    truth = Truth.of(simulator("gauss-8").changed(variables=5, graph=EdgeList(edges)).sample(2, 1))
    expected = {(3, 0), (0, 2), (3, 2), (4, 1)}
    for matrix in truth.ancestors:
        assert set(map(tuple, np.argwhere(matrix).tolist())) == expected
    assert_array_equal(truth.descendants, truth.ancestors.swapaxes(1, 2))
    assert not truth.confounded.any()


def test_ancestors_agree_with_powers_of_the_graph() -> None:
    graphs = simulator("gauss-8").sample(65, 1).graphs
    assert graphs is not None
    paths = np.linalg.matrix_power(np.eye(8) + graphs, 8) - np.eye(8)
    assert_array_equal(closure(graphs), paths > 0.5)


def test_confounded_columns_share_a_hidden_cause() -> None:
    law = simulator("gauss-8").changed(variables=4, latents=Confounders(2, 0.0))
    truth = Truth.of(law.sample(65, 1))
    assert truth.graphs.shape == (65, 6, 6)
    for graph, confounded in zip(truth.graphs, truth.confounded, strict=True):
        pairs = {tuple(np.flatnonzero(hidden).tolist()) for hidden in graph[4:]}
        assert set(map(tuple, np.argwhere(np.triu(confounded)).tolist())) == pairs
        assert_array_equal(confounded, confounded.T)


def test_refuses_batches_that_do_not_say_what_drew_them() -> None:
    batch = simulator("gauss-2").sample(3, 9)
    for unknown in (replace(batch, config={}), replace(batch, index=None)):
        with pytest.raises(InputError, match="the batch does not say what drew it; give one from"):
            Truth.of(unknown)
    for other in (replace(batch, seed=1), replace(batch, graphs=None), replace(batch, targets=~batch.targets)):  # fmt: skip
        with pytest.raises(InputError, match="the batch holds other graphs or targets than its"):
            Truth.of(other)
    with pytest.raises(InputError, match="rows is 1; give at least 2"):
        Truth.of(simulator("general-2").sample(1, 9), rows=1)


def test_gene_regulation_has_no_such_truth_but_the_same_models_in_as_many_cells_as_one_likes() -> (
    None
):
    batch = simulator("sergio").sample(3, 5, seed=2, split="test", start=7)
    with pytest.raises(InputError, match="gene regulation has no closed form;") as refusal:
        Truth.of(batch)
    advice = str(refusal.value).split("instead, ")[1].replace("10_000", "65")
    names = {"Simulator": Simulator, "SergioConfig": SergioConfig, "batch": batch}
    large = eval(f"[{advice}]", names)  # what a user would paste
    assert_array_equal(np.concatenate([one.graphs for one in large]), batch.graphs)
