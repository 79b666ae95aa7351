"""What is known of the suites before anybody learns anything, on the real data."""

from importlib import metadata

import pytest
from activa_eval import (
    BatchPredictor,
    Predictor,
    conditional_gaussian,
    hedge,
    no_change,
    score,
    told_graph,
)
from activa_eval.suites import SUITES, beside

PACKAGES = {"cdt": "0.6.0", "pgmpy": "1.1.2", "causaldata": "0.1.5"}


def installed(package: str) -> bool:
    try:
        return metadata.version(package) == PACKAGES[package]
    except metadata.PackageNotFoundError:
        return False


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(map(installed, PACKAGES)), reason=f"needs {PACKAGES}"),
]


def energy(suite: str, seeds: int = 1) -> dict[str, float]:
    """Mean energy distance of each row on a suite, on columns of unit variance."""
    batches = [SUITES[suite].draw(seed) for seed in range(seeds)]
    methods: dict[str, Predictor | BatchPredictor] = {
        "no_change": no_change,
        "conditional_gaussian": conditional_gaussian,
        "hedge": hedge,
    }
    if batches[0].graphs is not None:
        methods["told_graph"] = told_graph
    rows = {
        name: [score(method, batch, scale="standardised") for batch in batches]
        for name, method in methods.items()
    }
    return {name: float(beside(s).energy_distance.mean()) for name, s in rows.items()}


def test_on_pairs_a_hedge_is_better_than_either_half_and_the_direction_is_worth_more() -> None:
    found = energy("pairs-2", seeds=3)
    assert found["told_graph"] < found["hedge"] < found["no_change"] < found["conditional_gaussian"]
    assert found["hedge"] == pytest.approx(0.19, abs=0.03)
    assert found["conditional_gaussian"] == pytest.approx(0.30, abs=0.04)


def test_on_networks_the_graph_is_worth_most_of_the_error() -> None:
    found = energy("gbn-8")
    assert found["told_graph"] < 0.5 * found["hedge"]
    assert found["hedge"] < found["no_change"] < found["conditional_gaussian"]


def test_without_training_next_to_nothing_changes_and_conditioning_is_far_off() -> None:
    found = energy("lalonde")
    assert found["no_change"] < 0.1 * found["conditional_gaussian"]


def test_on_proteins_the_consensus_graph_is_no_better_than_conditioning() -> None:
    found = energy("sachs", seeds=3)
    assert found["told_graph"] == pytest.approx(found["conditional_gaussian"], rel=0.05)
    assert found["told_graph"] > 0.9 * found["no_change"]
