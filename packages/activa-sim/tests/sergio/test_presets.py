"""The data sets by name, and the rows of the paper's table that need no model."""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution

import numpy as np
import pytest
from activa_sim import SERGIO_PRESETS, CausalBatch, InputError, Simulator, simulator
from activa_sim.sergio import IndependentCells, NetworkModules
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

FloatArray = NDArray[np.float64]


@pytest.mark.parametrize(
    ("name", "d", "models"), [("sergio", 8, 20), ("sergio-ood", 11, 20), ("sergio-iid", 8, 1)]
)
def test_presets_have_the_papers_sizes(name: str, d: int, models: int) -> None:
    batch = simulator(name).sample(models, 30, seed=3, split="test")
    assert batch.interv.shape == (models, d, 30, d)
    assert_array_equal(np.diagonal(batch.interv, axis1=1, axis2=3), 0.0)
    assert batch.config == SERGIO_PRESETS[name].as_dict()


@pytest.mark.parametrize(
    ("name", "start"), [("sergio", "91d61c6b32de5271"), ("sergio-ood", "653957cc0aefb990")]
)
def test_a_seed_goes_on_meaning_the_same_modules(name: str, start: str) -> None:
    graphs = simulator(name).sample(100, 1, seed=42).graphs  # whole numbers on every machine
    assert graphs is not None
    assert hashlib.sha256(np.packbits(graphs).tobytes()).hexdigest().startswith(start)


def test_out_of_distribution_no_parameter_is_where_it_was() -> None:
    inside, outside = (SERGIO_PRESETS[name].kinetics for name in ("sergio", "sergio-ood"))
    for field in ("hill", "decay", "noise_amplitude"):
        assert not set(getattr(inside, field)) & set(getattr(outside, field))
    assert (inside.basal, outside.basal) == ((0.0, 1.0), (0.5, 2.0))
    assert (inside.strength, outside.strength) == ((1.0, 5.0), (3.0, 7.0))
    assert (inside.sign, outside.sign) == ((1.0, 1.0), (0.5, 0.5))


def test_the_preset_of_independent_cells_differs_in_cells_and_half_response() -> None:
    iid = SERGIO_PRESETS["sergio-iid"]
    assert isinstance(iid.cells, IndependentCells)
    assert iid.half_response == "wild_type"
    assert iid.graph == SERGIO_PRESETS["sergio"].graph == NetworkModules(("yeast",))


def test_both_networks_are_there_or_the_error_says_what_to_install() -> None:
    both = simulator("sergio-both")
    try:
        distribution("avici")
    except PackageNotFoundError:
        with pytest.raises(InputError, match=r"pip install --no-deps avici==1\.0\.7"):
            both.sample(5, 30)
    else:
        assert set(both.sample(50, 5).labels["network"]) == {"yeast", "ecoli"}


def test_an_unknown_preset_is_answered_with_these_too() -> None:
    with pytest.raises(InputError, match=r'unknown preset "sergio-2"; .*gauss-8.*, sergio, .*both'):
        simulator("sergio-2")


def scores(predicted: NDArray[np.float32], batch: CausalBatch) -> tuple[FloatArray, FloatArray]:
    """Energy distance and Wasserstein distance of each model, means over its queries, (M,)."""
    found = []
    for rows, truth in zip(predicted, batch.interv, strict=True):
        for x, y in zip(rows, truth, strict=True):
            apart = cdist(x, y)
            within = cdist(x, x).mean() + cdist(y, y).mean()
            moved = apart[linear_sum_assignment(apart)].mean()
            found.append((2.0 * apart.mean() - within, moved))
    energy, wasserstein = np.array(found).reshape(*predicted.shape[:2], 2).mean(axis=1).T
    return energy, wasserstein


def no_change(batch: CausalBatch) -> NDArray[np.float32]:
    """Observed rows with the target set to zero."""
    return np.where(batch.targets[:, :, None], np.float32(0.0), batch.obs[:, None])


def conditional(batch: CausalBatch) -> NDArray[np.float32]:
    """Rows of a normal law fitted to the data, conditioned on a target of zero."""
    rng, (M, N, d) = np.random.default_rng(0), batch.obs.shape
    drawn = np.zeros((M, d, N, d), dtype=np.float32)
    for m, q in np.ndindex(M, d):
        others = np.arange(d) != q
        mean, covariance = batch.obs[m].mean(axis=0), np.cov(batch.obs[m].T)
        slope = covariance[others, q] / covariance[q, q]
        rest = covariance[np.ix_(others, others)] - np.outer(slope, covariance[q, others])
        law = mean[others] - slope * mean[q], rest
        drawn[m, q][:, others] = rng.multivariate_normal(*law, size=N, method="eigh")
    return drawn


@pytest.mark.parametrize(
    ("models", "tolerance"), [(60, 0.15), pytest.param(1000, 0.05, marks=pytest.mark.slow)]
)
def test_reference_rows_are_those_of_the_papers_simulator(models: int, tolerance: float) -> None:
    batch = simulator("sergio").sample(models, 30, split="test", replicate=True)
    assert batch.interv_replicate is not None
    reference = {  # energy and Wasserstein distance
        "no_change": (no_change(batch), 1.25, 3.07),
        "conditional": (conditional(batch), 2.6, 4.0),
    }
    for name, (predicted, energy, wasserstein) in reference.items():
        found = [score.mean() for score in scores(predicted, batch)]
        assert abs(found[0] / energy - 1.0) < tolerance, name
        assert abs(found[1] / wasserstein - 1.0) < tolerance, name
    oracle = scores(batch.interv_replicate, batch)
    assert oracle[0].mean() < 0.8
    assert oracle[1].mean() < 2.8


def test_the_conditional_row_needs_cell_types_to_be_the_papers() -> None:
    one = Simulator(SERGIO_PRESETS["sergio"]).changed(cell_types=1).sample(40, 30, split="test")
    energy, _ = scores(conditional(one), one)
    assert energy.mean() > 3.5
