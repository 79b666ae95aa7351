"""Our Langevin pass beside avici's, which is run as a black box where it is installed."""

import importlib.util
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from activa_sim.rng import model_streams
from activa_sim.sergio.cells import TrajectoryCells
from activa_sim.sergio.kinetics import Rates
from activa_sim.sergio.langevin import expression
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

RUNS, SEED = 500, 0
# gene 0 activates 1, 1 represses 2, 0 activates 2 as well, two levels down; 3 is alone
STRENGTH = np.zeros((4, 4))
STRENGTH[0, 1], STRENGTH[1, 2], STRENGTH[0, 2] = 3.0, 2.5, 1.5
ACTIVATES = np.ones((4, 4), dtype=np.bool_)
ACTIVATES[1, 2] = False
HILL, DECAY, AMPLITUDE = 2.1, 0.8, 1.0
CONDITIONS = {  # what multiplies each gene's production
    "wild type": [1.0, 1.0, 1.0, 1.0],
    "knock-out of 0": [0.0, 1.0, 1.0, 1.0],
    "knock-out of 1": [1.0, 0.0, 1.0, 1.0],
    "knock-down of 1": [1.0, 0.5, 1.0, 1.0],
}


@pytest.mark.slow
@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(("cell_types", "cells"), [(5, 6), (1, 30)])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_statistics_of_cells_agree_with_avici(cell_types: int, cells: int, condition: str) -> None:
    simulator = avicis_simulator()
    ours = statistics(our_cells(cell_types, cells, condition))
    theirs = statistics(avicis_cells(simulator, cell_types, cells, condition))
    assert ours.keys() == theirs.keys()
    for name, mine in ours.items():
        other = theirs[name]
        error = np.sqrt((mine.var(axis=0) + other.var(axis=0)) / RUNS)
        difference = np.abs(mine.mean(axis=0) - other.mean(axis=0))
        assert (difference <= 4 * error + 1e-12).all(), name


def basal(cell_types: int) -> FloatArray:
    rates = np.zeros((4, cell_types))
    rates[0] = np.linspace(0.3, 1.0, cell_types)
    rates[3] = 0.6
    return rates


def our_cells(cell_types: int, cells: int, condition: str) -> FloatArray:
    """Cells (runs, C, d, N) of the condition, which is the second beside a wild type."""
    same = {"hill": HILL, "decay": DECAY, "noise_amplitude": AMPLITUDE}
    rates = Rates(
        strength=np.broadcast_to(STRENGTH, (RUNS, 4, 4)),
        activates=np.broadcast_to(ACTIVATES, (RUNS, 4, 4)),
        basal=np.broadcast_to(basal(cell_types), (RUNS, 4, cell_types)),
        **{name: np.full(RUNS, value) for name, value in same.items()},
    )
    factors = np.array([CONDITIONS["wild type"], CONDITIONS[condition]])
    seen = expression(
        np.broadcast_to(STRENGTH > 0.0, (RUNS, 4, 4)),
        rates,
        np.broadcast_to(factors, (RUNS, 2, 4)),
        model_streams(SEED, "test", 0, RUNS),
        cells,
        cells=TrajectoryCells(),
        half_response="per_condition",
        noise="dpd",
    )  # (runs, d, R, C, N)
    return np.moveaxis(seen[:, :, 1], 1, 2)


def avicis_cells(simulator: Any, cell_types: int, cells: int, condition: str) -> FloatArray:
    rng, factors = np.random.default_rng(SEED), np.array(CONDITIONS[condition])
    runs = []
    for _ in range(RUNS):
        run = simulator.Sergio(
            rng,
            number_genes=4,
            number_bins=cell_types,
            number_sc=cells,
            noise_params=AMPLITUDE,
            noise_type="dpd",
            decays=DECAY,
            kout=factors == 0.0,
            kdown=factors == 0.5,
            sampling_state=15,
            dt=0.01,
            safety_steps=10,
        )
        run.custom_graph(
            g=(STRENGTH > 0.0).astype(int),
            k=np.where(ACTIVATES, STRENGTH, -STRENGTH),
            b=basal(cell_types),
            hill=np.full((4, 4), HILL),
        )
        run.simulate()
        runs.append(run.getExpressions())
    return np.array(runs)


def statistics(cells: FloatArray) -> dict[str, FloatArray]:
    """Statistics of every run, from cells (runs, C, d, N); within a run cells are correlated."""
    mean = cells.mean(axis=3)  # (runs, C, d)
    centred = cells - mean[..., None]
    within = np.einsum("rcin,rcjn->rij", centred, centred) / (cells.shape[1] * cells.shape[3])
    overall = mean.mean(axis=1)  # (runs, d)
    return {
        "mean": overall,
        "mean of a cell type": mean.reshape(len(cells), -1),
        "spread of a run's mean": (overall - overall.mean(axis=0)) ** 2,
        "covariance within a run": within.reshape(len(cells), -1),
        "third moment": (centred**3).mean(axis=(1, 3)),
        "share of zeros": (cells == 0.0).mean(axis=(1, 3)),
        "first and last cell": (centred[..., 0] * centred[..., -1]).mean(axis=1),
    }


def avicis_simulator() -> Any:
    """Load the one module of avici that holds the simulator, without its dependencies."""
    try:
        path = Path(str(distribution("avici").locate_file("avici/synthetic/sergio/sim.py")))
    except PackageNotFoundError:
        pytest.skip("avici is not installed; pip install --no-deps avici==1.0.7")
    spec = importlib.util.spec_from_file_location("avicis_simulator", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
