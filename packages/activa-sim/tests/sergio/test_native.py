"""Compiled gene regulation beside its definition in NumPy, and beside itself."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from activa_sim import SergioConfig, Simulator, _native
from activa_sim.queries import Subsets
from activa_sim.rng import model_streams
from activa_sim.sergio import (
    TECHNICAL,
    HubsAndLeaves,
    IndependentCells,
    Kinetics,
    NetworkModules,
    Perturbation,
    networks,
)
from activa_sim.sergio.kinetics import Rates
from activa_sim.sergio.langevin import expression
from activa_sim.sergio.modules import extracted
from activa_sim.sergio.native import extract
from activa_sim.sergio.networks import Network
from numpy.testing import assert_allclose, assert_array_equal

pytestmark = pytest.mark.skipif(_native.library is None, reason="nothing is compiled")

SETS = _native.library.instruction_sets() if _native.library is not None else []
LINE = networks.from_edges([(gene, gene + 1) for gene in range(9)], name="line")
DEEP = SergioConfig(
    6,
    graph=HubsAndLeaves(another_hub=0.8, chained=0.8),
    query=Perturbation((0.0, 0.5, 3.0)),
    targets=Subsets(4),
    cell_types=3,
)
CONFIGS = {
    "paper": SergioConfig(8),
    "deep": DEEP,
    "one cell type": replace(DEEP, cell_types=1, noise="sp"),
    "independent": replace(DEEP, cells=IndependentCells(33), half_response="wild_type"),
    "many lanes": replace(DEEP, cells=IndependentCells(9), cell_types=1, noise="spd"),
    "networks": replace(DEEP, graph=NetworkModules(("yeast", LINE))),
}
COUNTED = {"counted": replace(DEEP, technical=TECHNICAL["10x-chromium"])}


@pytest.mark.parametrize("name", CONFIGS)
def test_agrees_with_numpy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 70 if name == "many lanes" else 7
    native = Simulator(CONFIGS[name]).sample(30, rows, seed=5, replicate=True)
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    numpy = Simulator(CONFIGS[name]).sample(30, rows, seed=5, replicate=True)
    assert_array_equal(native.graphs, numpy.graphs)
    assert_array_equal(native.labels["network"], numpy.labels["network"])
    assert_array_equal(native.values, numpy.values)
    for field in ("obs", "interv", "interv_replicate"):
        ours, theirs = getattr(native, field), getattr(numpy, field)
        # float32 at each of some hundred steps, near 0 under a square root
        assert_allclose(ours, theirs, rtol=3e-5, atol=3e-5)
        assert ((ours == 0.0) == (theirs == 0.0)).mean() > 0.999


@pytest.mark.parametrize("platform", TECHNICAL)
def test_counts_are_those_of_numpy_but_for_a_few_at_an_edge(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = replace(CONFIGS["paper"], technical=TECHNICAL[platform])
    native = Simulator(counted).sample(20, 27).interv
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    numpy = Simulator(counted).sample(20, 27).interv
    assert (native == numpy).mean() > 0.995
    assert (abs(native - numpy) <= 1.0).mean() > 0.9995  # else a dropout or a refused proposal


@pytest.mark.parametrize("config", (CONFIGS | COUNTED).values(), ids=CONFIGS | COUNTED)
@pytest.mark.parametrize("isa", SETS)
def test_instruction_sets_threads_and_shards_do_not_change_a_bit(
    config: SergioConfig, isa: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = Simulator(config)
    whole = simulator.sample(21, 13)
    monkeypatch.setenv("ACTIVA_ISA", isa)
    monkeypatch.setenv("ACTIVA_NUM_THREADS", "3")
    assert simulator.sample(21, 13) == whole
    assert simulator.shard(21, 13, shards=4, shard=2) == whole[10:15]


@pytest.mark.parametrize(("models", "d", "cell_types"), [(70, 5, 3), (1, 1, 1), (33, 17, 7)])
def test_rates_are_those_of_numpy(
    models: int, d: int, cell_types: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    law = Kinetics(basal=(0.1, 0.7), sign=(0.6, 2.5), hill=(1.0, 2.0, 3.0, 4.0), decay=(0.8,))
    streams = model_streams(7, "test", 3, models)
    native = law.draw(streams, d, cell_types)
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    numpy = law.draw(streams, d, cell_types)
    for field in fields(Rates):
        assert_array_equal(getattr(native, field.name), getattr(numpy, field.name))


def test_a_regulator_that_is_seen_at_zero_only_saturates_at_once() -> None:
    graph = np.array([[[0, 1], [0, 0]]], dtype=np.bool_)
    streams = model_streams(0, "train", 0, 1)
    rates = replace(
        Kinetics().draw(streams, 2, 1),
        activates=np.ones((1, 2, 2), dtype=np.bool_),
        strength=np.full((1, 2, 2), 2.0),
        basal=np.full((1, 2, 1), 0.6),
        decay=np.array([0.8]),
        noise_amplitude=np.array([1e-9]),
    )
    factors = np.array([[[0.0, 1.0], [1.0, 1.0]]])  # what stands for the wild type lacks gene 0
    laws: Any = {"cells": IndependentCells(40), "half_response": "wild_type", "noise": "dpd"}
    ends = expression(graph, rates, factors, streams, 3, **laws)[0, :, :, 0]
    assert_array_equal(ends[:, 0], 0.0)
    assert_allclose(ends[:, 1], np.array([[0.6], [2.0]]).repeat(3, axis=1) / 0.8, rtol=1e-5)


def random_network(n: int, share: float, seed: int) -> Network:
    regulates = np.random.default_rng(seed).random((n, n)) < share
    edges = zip(*(axis.tolist() for axis in np.nonzero(regulates)), strict=True)
    return networks.from_edges([(0, n - 1), *edges], genes=range(n), name="random")


@pytest.mark.parametrize("best_share", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("regulators", [0, 1, 4])
@pytest.mark.parametrize(("n", "share", "d"), [(12, 0.15, 7), (9, 0.05, 9), (65, 0.03, 20)])
def test_modules_are_those_of_numpy(
    n: int, share: float, d: int, regulators: int, best_share: float
) -> None:
    for seed in range(3):
        assert_same_modules(random_network(n, share, seed), 40, d, regulators, best_share)


@pytest.mark.parametrize(("models", "d"), [(300, 8), (65, 11), (10, 40)])
def test_modules_of_yeast_are_those_of_numpy(models: int, d: int) -> None:
    assert_same_modules(networks.load("yeast"), models, d, 1, 0.2)


def assert_same_modules(
    network: Network, models: int, d: int, regulators: int, best_share: float
) -> None:
    rule = [network, LINE] if d <= len(LINE.genes) else [network], best_share, regulators
    streams = model_streams(0, "train", 0, models)
    assert _native.library is not None
    graphs, source = extract(_native.library, *rule, streams, d)
    expected_graphs, expected_source = extracted(*rule, streams, d)
    assert_array_equal(source, expected_source)
    assert_array_equal(graphs, expected_graphs)
