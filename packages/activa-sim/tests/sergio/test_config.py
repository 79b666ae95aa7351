import json
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from activa_sim import CausalBatch, InputError, SergioConfig, Simulator, networks
from activa_sim.queries import Subsets
from activa_sim.sergio import (
    TECHNICAL,
    GivenTargets,
    HubsAndLeaves,
    IndependentCells,
    Kinetics,
    NetworkModules,
    Perturbation,
    SomeVariables,
    TrajectoryCells,
    WholeNetwork,
    config,
)
from numpy.testing import assert_allclose, assert_array_equal

PLAIN = SergioConfig(5, graph=HubsAndLeaves(), cell_types=2)
MIXED = replace(PLAIN, targets=Subsets(4), query=Perturbation((0.0, 0.5, 3.0)), noise="spd")
CONFIGS = {
    "plain": PLAIN,
    "yeast": SergioConfig(6),
    "independent": replace(PLAIN, cells=IndependentCells(20), half_response="wild_type"),
    "mixed": MIXED,
    "counted": replace(PLAIN, technical=TECHNICAL["10x-chromium"]),
}
each_config = pytest.mark.parametrize("name", CONFIGS)


@each_config
def test_a_model_does_not_depend_on_how_many_are_drawn(name: str) -> None:
    simulator = Simulator(CONFIGS[name])
    assert simulator.sample(10, 7)[3] == simulator.sample(100, 7)[3]


@each_config
def test_batches_of_any_split_join_to_the_same_data(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = Simulator(CONFIGS[name])
    whole = simulator.sample(40, 9, seed=9, replicate=True)
    monkeypatch.setattr(config, "HELD", 1)  # one model at a time
    parts = [
        simulator.sample(stop - start, 9, seed=9, start=start, replicate=True)
        for start, stop in pairwise([0, 1, 8, 40])
    ]
    assert CausalBatch.concat(parts) == whole


def test_a_stream_and_the_shards_are_parts_of_the_sample() -> None:
    simulator = Simulator(PLAIN)
    whole = simulator.sample(12, 7, seed=2, split="validation")
    stream = simulator.stream(4, 7, seed=2, split="validation", start_step=1)
    assert [*islice(stream, 2)] == [whole[4:8], whole[8:12]]
    laws: dict[str, Any] = {"shards": 5, "seed": 2, "split": "validation"}
    shards = [simulator.shard(12, 7, shard=shard, **laws) for shard in range(5)]
    assert CausalBatch.concat(shards) == whole


def test_seeds_and_splits_have_no_rows_in_common() -> None:
    simulator = Simulator(PLAIN)
    batches = [simulator.sample(20, 7, seed=seed) for seed in (0, 1, 2**32)]
    batches += [simulator.sample(20, 7, split=split) for split in ("validation", "test")]
    rows = np.concatenate([np.unique(batch.obs.reshape(-1, 5), axis=0) for batch in batches])
    assert len(np.unique(rows, axis=0)) == len(rows)


@each_config
def test_a_replicate_changes_nothing_else_and_is_another_draw(name: str) -> None:
    alone, twice = (Simulator(CONFIGS[name]).sample(9, 11, replicate=r) for r in (False, True))
    assert alone.interv_replicate is None
    assert twice.interv_replicate is not None
    assert_array_equal(alone.interv, twice.interv)
    assert_array_equal(alone.obs, twice.obs)
    assert not (twice.interv == twice.interv_replicate).all(axis=(1, 2, 3)).any()


def test_every_gene_is_knocked_out_in_turn_and_is_exactly_zero_there() -> None:
    batch = Simulator(SergioConfig(8)).sample(50, 30)
    assert (batch.obs.shape, batch.interv.shape) == ((50, 30, 8), (50, 8, 30, 8))
    assert_array_equal(batch.targets, np.broadcast_to(np.eye(8, dtype=np.bool_), (50, 8, 8)))
    assert_array_equal(batch.values, np.where(batch.targets, np.float32(0.0), np.nan))
    assert batch.kind is None  # "set" everywhere
    assert_array_equal(np.diagonal(batch.interv, axis1=1, axis2=3), 0.0)
    assert (batch.obs >= 0.0).all()
    assert set(batch.labels["network"]) == {"yeast"}


def test_several_genes_are_perturbed_at_once_by_one_factor_a_query() -> None:
    batch = Simulator(MIXED).sample(200, 8)
    assert batch.kind is not None
    values = batch.values[batch.targets]
    kinds = np.repeat(batch.kind.ravel(), batch.targets.sum(axis=2).ravel())
    assert set(zip(values.tolist(), kinds.tolist(), strict=True)) == {
        (0.0, "set"),
        (0.5, "scale"),
        (3.0, "scale"),
    }
    assert set(batch.targets.sum(axis=2).ravel()) == {1, 2, 3}
    knocked_out = batch.targets & (batch.values == 0.0)  # (M, Q, d)
    zero = (batch.interv == 0.0).all(axis=2)
    assert zero[knocked_out].all()
    assert not zero[batch.targets & ~knocked_out].all()


@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_knock_down_and_over_expression_scale_a_gene_without_regulators(factor: float) -> None:
    star = networks.from_edges([("hub", leaf) for leaf in "abc"])
    law = SergioConfig(
        4,
        graph=WholeNetwork(star),
        kinetics=Kinetics(basal=(100.0, 200.0), noise_amplitude=(0.01,)),
        query=Perturbation((factor,)),
        targets=GivenTargets(((3,),)),
        cell_types=1,
    )
    batch = Simulator(law).sample(20, 10)
    hub = batch.interv[:, 0, :, 3].mean(axis=1) / batch.obs[:, :, 3].mean(axis=1)
    assert_allclose(hub, factor, rtol=0.01)


def test_a_sample_has_cells_of_all_types_alike_in_random_order() -> None:
    alone = networks.from_edges([], genes=["gene"])
    law = SergioConfig(
        1,
        graph=WholeNetwork(alone),
        kinetics=Kinetics(basal=(100.0, 200.0), noise_amplitude=(1e-6,)),
        cell_types=4,
    )
    obs = Simulator(law).sample(300, 12).obs[:, :, 0]
    levels = np.sort(obs, axis=1).reshape(300, 4, 3)
    assert (np.ptp(levels, axis=2) < 1e-3).all()  # four types of three cells
    assert (np.diff(levels.mean(axis=2), axis=1) > 1e-3).mean() > 0.99
    kinds = obs.argsort(axis=1).argsort(axis=1) // 3  # (M, N): rank of each row's type
    alike = (kinds[:, 1:] == kinds[:, :-1]).mean(axis=1)  # of two rows in turn, 2 in 11
    assert abs(alike.mean() - 2 / 11) < 4 * alike.std() / np.sqrt(300)
    fewer = Simulator(law).sample(5, 10)
    assert fewer.obs.shape == (5, 10, 1)


def test_half_responses_of_the_wild_type_let_a_knock_down_reach_the_targets() -> None:
    shifts = {}
    for rule in ("per_condition", "wild_type"):
        law = SergioConfig(
            6,
            graph=HubsAndLeaves(another_hub=0.0),
            query=Perturbation((0.2,)),
            half_response=rule,
        )
        batch = Simulator(law).sample(200, 30)
        assert batch.graphs is not None
        hub = batch.graphs.any(axis=2).argmax(axis=1)
        moved = batch.interv[np.arange(200), hub].mean(axis=1) - batch.obs.mean(axis=1)
        shifts[rule] = np.abs(moved[batch.graphs.any(axis=1)]).mean()
    assert shifts["wild_type"] > 2 * shifts["per_condition"]


def test_the_configuration_in_a_batch_is_json_and_names_the_network() -> None:
    mine = networks.from_edges([("a", "b"), ("b", "c")], name="mine")
    graphs = NetworkModules(("yeast", "ecoli", mine)), WholeNetwork(mine), HubsAndLeaves()
    for graph in graphs:
        described = replace(MIXED, variables=3, graph=graph, targets=SomeVariables(2)).as_dict()
        assert json.loads(json.dumps(described)) == described
        assert described["graph"]["law"] == type(graph).__name__
    batch = Simulator(replace(PLAIN, graph=WholeNetwork(mine), variables=3)).sample(2, 5)
    assert batch.config["graph"]["network"]["name"] == "mine"
    assert batch.config["cells"] == {"law": "TrajectoryCells", "steps": 15, "settling_steps": 10}


@each_config
def test_a_batch_is_drawn_again_from_what_it_carries(name: str) -> None:
    batch = Simulator(CONFIGS[name]).sample(3, 7)
    carried = json.loads(json.dumps(batch.config))
    restored = SergioConfig.from_dict(carried)
    assert restored == CONFIGS[name]
    assert Simulator(restored).sample(3, 7) == batch


def test_a_network_of_ones_own_has_to_be_given_again() -> None:
    mine = networks.from_edges([("a", "b"), ("b", "c")], name="mine")
    other = networks.from_edges([("a", "b"), ("a", "c")], name="mine")
    for graph in (NetworkModules(("ecoli", mine)), WholeNetwork(mine)):
        law = replace(PLAIN, variables=3, graph=graph, targets=GivenTargets(((1,),)))
        assert SergioConfig.from_dict(law.as_dict(), networks=[other, mine]) == law
        with pytest.raises(InputError, match='the network "mine" is not among those given'):
            SergioConfig.from_dict(law.as_dict(), networks=[other])


def test_refuses_a_description_of_something_else() -> None:
    described = PLAIN.as_dict()
    with pytest.raises(InputError, match=r"no gene regulation .*weather.*; give variables, graph"):
        SergioConfig.from_dict({**described, "weather": 1})
    with pytest.raises(InputError, match='unknown law "Rain"'):
        SergioConfig.from_dict({**described, "cells": {"law": "Rain"}})
    with pytest.raises(InputError, match=r"Kinetics has other fields .*rain"):
        SergioConfig.from_dict({**described, "kinetics": {"law": "Kinetics", "rain": 1}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variables": 0}, "0 variables and 2 cell types make no model"),
        ({"cell_types": 0}, "5 variables and 0 cell types make no model"),
        ({"half_response": "never"}, 'unknown half_response "never"; choose from per_condition'),
        ({"noise": "ddp"}, 'unknown noise "ddp"; choose from dpd, sp, spd'),
        ({"targets": Subsets(most=6)}, "5 variables hold no 6 targets"),
        ({"graph": NetworkModules(), "variables": 4442}, '"yeast" has 4441 genes'),
    ],
)
def test_refuses_parts_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(PLAIN, **changes)


def test_refuses_counts_that_make_no_sample() -> None:
    with pytest.raises(InputError, match="0 models with 7 rows each"):
        Simulator(PLAIN).sample(0, 7)
    with pytest.raises(InputError, match=r"3 models with 0 rows each .* 1 rows"):
        Simulator(PLAIN).sample(3, 0)
    crowded = replace(PLAIN, targets=Subsets(3000), cell_types=50, cells=TrajectoryCells(1, 1))
    with pytest.raises(InputError, match="3000 queries in 50 cell types are too many"):
        Simulator(crowded).sample(1, 1)
