import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from activa_cli.evaluate import SPREAD, fitting, fresh_batches, measure, point_masses
from activa_eval import Predictor, hedge, no_change, score
from activa_sim import simulator
from typer.testing import Result


def test_every_method_is_scored_on_both_scales(
    activa: Callable[..., Result], general: Path, tmp_path: Path
) -> None:
    out, picture = tmp_path / "results.json", tmp_path / "scores.png"
    options = ("--data", "general-2", "--models", 6, "--samples", 20, "--draws", 2)
    result = activa("evaluate", general, *options, "--out", out, "--plot", picture, "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(out.read_text())
    assert json.loads(result.stdout) == answer
    assert (answer["data"], answer["models"], answer["n_samples"]) == ("general-2", 6, [20, 20])
    whole = [r for r in answer["results"] if r["label"] is None and r["queries"] == "all"]
    without_density = {"oracle", "eqvar", "lingam", "told_graph"}
    methods = {"activa", "no_change", "conditional_gaussian", "hedge", "ida"} | without_density
    for scale in ("data", "standardised"):
        found = {(r["method"], r["metric"]): r for r in whole if r["scale"] == scale}
        assert {m for m, metric in found if metric == "energy_distance"} == methods
        assert {m for m, metric in found if metric == "nll"} == methods - without_density
        assert found["oracle", "mmd"]["mean"] < found["activa", "mmd"]["mean"]
    labels = {r["label"] for r in answer["results"]}
    assert labels == {None, "mechanism", "cause_noise", "effect_noise"}
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_prints_a_table_with_the_chosen_rows(activa: Callable[..., Result], general: Path) -> None:
    options = ("--data", "gauss-2", "--models", 3, "--samples", 20, "--rows", "hedge")
    printed = activa("evaluate", general, *options).stdout
    assert "MMD" in printed
    assert "hedge" in printed
    assert "eqvar" not in printed


def test_only_gauss_2_is_scored_beside_the_row_that_knows_its_law() -> None:
    assert "bayes_pair" in fitting("gauss-2")
    assert set(fitting("gauss-2")) - set(fitting("beta-2")) == {"bayes_pair"}


def test_a_model_of_unknown_origin_must_be_told_its_data(
    activa: Callable[..., Result], general: Path
) -> None:
    result = activa("evaluate", general, "--models", 2)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--data" in result.stderr


def test_data_with_too_many_columns_is_one_sentence(
    activa: Callable[..., Result], general: Path
) -> None:
    result = activa("evaluate", general, "--data", "gauss-8", "--models", 2, "--samples", 20)
    assert result.exit_code == 2
    assert "8 columns" in result.stderr.splitlines()[-1]


def test_a_fixed_size_takes_the_first_models_of_the_test_split() -> None:
    (batch,) = fresh_batches("gauss-2", 5, (7, 7), seed=3)
    assert batch == simulator("gauss-2").sample(5, 7, seed=3, split="test", replicate=True)


def test_a_range_of_sizes_still_makes_as_many_models_as_asked() -> None:
    batches = fresh_batches("gauss-2", 120, (5, 40), seed=0)
    assert sum(len(batch) for batch in batches) == 120
    assert len({batch.obs.shape[1] for batch in batches}) > 1


@pytest.mark.filterwarnings("default::UserWarning")
def test_the_likelihood_is_told_apart_where_the_truth_has_point_masses() -> None:
    batches = fresh_batches("sergio", 12, (30, 30), 0)
    (batch,) = batches
    off = np.ptp(batch.interv, axis=2) == 0.0  # (M, Q, d): a gene that is off
    masses = (off & ~batch.targets).any(axis=2)
    assert 0 < masses.sum() < masses.size
    assert (point_masses(batch) == masses).all()
    methods: dict[str, Predictor] = {"no_change": no_change, "hedge": hedge}
    found = measure(methods, batches, seed=0, slow=("hedge",), slow_models=6)
    apart = {r["method"]: r for r in found if (r["queries"], r["scale"]) == (SPREAD, "data")}
    assert {r["metric"] for r in found if r["queries"] == SPREAD} == {"nll"}
    nll = score(no_change, batch).nll
    assert nll is not None
    kept = np.ma.masked_array(nll, masses).mean(axis=1)
    assert apart["no_change"]["mean"] == pytest.approx(float(kept.mean()), rel=1e-5)
    assert (apart["no_change"]["nans"], apart["hedge"]["models"]) == (0, 6)
    without = measure(methods, fresh_batches("gauss-2", 3, (40, 40), 0), seed=0)
    assert not any(r["queries"] == SPREAD for r in without)


def test_questions_outside_the_range_of_training_are_one_sentence(
    activa: Callable[..., Result], general: Path
) -> None:
    options = ("--data", "gauss-2", "--models", 3, "--samples", 10, "--rows", "hedge")
    result = activa("evaluate", general, *options)
    (said,) = (line for line in result.stderr.splitlines() if "such warnings" in line)
    assert "10 rows" in said
    assert "first of 12 " in said  # rows and value, 3 models, 2 queries, each asked once


@pytest.mark.parametrize(
    ("option", "place", "complaint"),
    [
        ("--out", "nowhere/results.json", "no folder"),
        ("--plot", "nowhere/scores.png", "no folder"),
        ("--plot", "scores.txt", "end in"),
    ],
)
def test_a_place_where_nothing_can_be_written_is_named_before_the_work(
    option: str,
    place: str,
    complaint: str,
    activa: Callable[..., Result],
    general: Path,
    tmp_path: Path,
) -> None:
    many = ("--data", "gauss-2", "--models", 1_000_000)
    result = activa("evaluate", general, *many, option, tmp_path / place)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert complaint in result.stderr
