import io
import json
from importlib import metadata
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from activa_eval import InputError
from activa_eval.datasets import (
    jobs,
    load_jobs,
    load_network,
    load_pairs,
    load_sachs,
    networks,
    tuebingen,
)
from activa_eval.datasets import sachs as proteins
from activa_eval.structural import topological_order
from numpy.testing import assert_allclose, assert_array_equal

PAIRS = b"SampleID,A,B\npair1,1 2 3,4 5 6.5\npair2,1 2 3,9 9 1\npair3,7 8,0 1\npair4,9 9 1,3 3 3\n"
NETWORK = {
    "nodes": ["effect", "cause"],
    "arcs": [["cause", "effect"]],
    "cpds": {
        "effect": {
            "coefficients": {"(Intercept)": [1.0], "cause": [-2.0]},
            "variance": [0.25],
            "parents": ["cause"],
        },
        "cause": {"coefficients": {"(Intercept)": [3.0]}, "variance": [4.0], "parents": []},
    },
}


def test_pairs_keep_their_columns_and_know_which_share_one(unpack: Any) -> None:
    source = unpack(tuebingen, "MEMBER", "DIGEST", PAIRS)
    pairs = load_pairs(source)
    assert [pair.name for pair in pairs] == ["pair1", "pair2", "pair3", "pair4"]
    assert_array_equal(pairs[0].effect, [4.0, 5.0, 6.5])
    datasets = [pair.dataset for pair in pairs]
    assert datasets[0] == datasets[1] == datasets[3] != datasets[2]


@pytest.fixture
def network(unpack: Any, monkeypatch: pytest.MonkeyPatch) -> networks.LinearGaussianNetwork:
    monkeypatch.setattr(networks, "MEMBER", f"{networks.FOLDER}/ecoli70.json", raising=False)
    monkeypatch.setattr(networks, "DIGEST", "", raising=False)
    source = unpack(networks, "MEMBER", "DIGEST", json.dumps(NETWORK).encode())
    monkeypatch.setattr(networks, "NETWORKS", {"ecoli70": networks.DIGEST})  # type: ignore[attr-defined]
    return load_network("ecoli70", source)


def test_a_network_has_the_law_of_its_equations(network: networks.LinearGaussianNetwork) -> None:
    assert network.names == ("effect", "cause")
    assert_array_equal(network.graph, [[False, False], [True, False]])
    law = network.observational()
    assert_allclose(law.mean, [-5.0, 3.0])
    assert_allclose(law.covariance, [[16.25, -8.0], [-8.0, 4.0]])


def test_setting_a_cause_moves_its_effect_and_setting_the_effect_moves_nothing(
    network: networks.LinearGaussianNetwork,
) -> None:
    moved = network.interventional(1, 10.0)
    assert_allclose(moved.mean, [-19.0, 10.0])
    assert_allclose(moved.covariance, [[0.25, 0.0], [0.0, 0.0]])
    still = network.interventional(0, 10.0)
    assert_allclose(still.mean, [10.0, 3.0])
    assert_allclose(still.covariance, [[0.0, 0.0], [0.0, 4.0]])


def test_an_unknown_network_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="choose one of ecoli70, magic-niab"):
        load_network("alarm")


def test_sachs_splits_its_rows_by_reagent_and_takes_logarithms(unpack: Any) -> None:
    names = ["pakts473", "PKC", "PIP2", "pmek", "PIP3", "PKA", "plcg"]
    rows = "\n".join(",".join([str(row + 1)] * 7) for row in range(7466))
    unpack(proteins, "DATA", "DATA_DIGEST", f"{','.join(names)}\n{rows}\n".encode())
    edges = '"Cause","Effect"\n"PIP3","plcg"\n"plcg","PIP2"\n"PIP2","PIP3"\n'
    cells = load_sachs(unpack(proteins, "GRAPH", "GRAPH_DIGEST", edges.encode()))
    assert_allclose(np.exp(cells.observational[[0, -1], 0]), [1.0, 1755.0])
    first, last = cells.conditions["Akt inhibitor"][0, 0], cells.conditions["b2cAMP"][-1, 0]
    assert_allclose(np.exp([first, last]), [1756.0, 7466.0])
    assert sum(map(len, cells.conditions.values())) + len(cells.observational) == 7466
    assert cells.names[cells.targets["U0126"]] == "pmek"
    order = [cells.names[place] for place in topological_order(cells.graph)]
    assert order.index("PIP3") < order.index("plcg") < order.index("PIP2")


def test_jobs_are_split_by_the_lot(unpack: Any) -> None:
    rows = np.arange(30.0).reshape(3, 10)
    rows[:, 0] = [1, 0, 1]
    for member, digest in (
        ("EXPERIMENT", "EXPERIMENT_DIGEST"),
        ("POPULATION", "POPULATION_DIGEST"),
    ):
        held = io.BytesIO()
        pd.DataFrame(rows, columns=list(jobs.COLUMNS)).to_stata(held, write_index=False)
        source = unpack(jobs, member, digest, held.getvalue())
    people = load_jobs(source)
    assert_array_equal(people.trained, rows[[0, 2]])
    assert_array_equal(people.not_trained, rows[[1]])
    assert_array_equal(people.population, rows)


def installed(module: ModuleType) -> bool:
    release = module.RELEASE
    try:
        return bool(metadata.version(release.package) == release.version)
    except metadata.PackageNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not installed(tuebingen), reason=tuebingen.RELEASE.advice)
def test_the_real_pairs_and_proteins_are_those_of_the_papers() -> None:
    pairs = load_pairs()
    assert len(pairs) == 99
    assert np.corrcoef(pairs[0].cause, pairs[0].effect)[0, 1] < -0.85  # altitude and temperature
    cells = load_sachs()
    assert cells.observational.shape == (1755, 11)
    assert len(topological_order(cells.graph)) == 11


@pytest.mark.slow
@pytest.mark.skipif(not installed(networks), reason=networks.RELEASE.advice)
@pytest.mark.parametrize(
    ("name", "d", "edges"),
    [("ecoli70", 46, 70), ("magic-niab", 44, 66), ("magic-irri", 64, 102), ("arth150", 107, 150)],
)
def test_the_real_networks_have_their_sizes(name: str, d: int, edges: int) -> None:
    network = load_network(name)
    assert network.weights.shape == (d, d)
    assert network.graph.sum() == edges
    assert (np.linalg.eigvalsh(network.observational().covariance) > 0.0).all()


@pytest.mark.slow
@pytest.mark.skipif(not installed(jobs), reason=jobs.RELEASE.advice)
def test_the_real_experiment_has_the_effect_that_everybody_cites() -> None:
    people = load_jobs()
    effect = people.trained[:, -1].mean() - people.not_trained[:, -1].mean()
    assert round(effect) == 1794
    assert len(people.population) == 15992
