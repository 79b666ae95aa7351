"""Asking a model: units, names, symmetries, and a sentence for whatever it cannot take."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from activa_core.checkpoint import ModelCard, save
from activa_core.config import ModelConfig
from activa_core.data import Pairs, standardise
from activa_core.errors import InputError
from activa_core.model import CVAE
from activa_core.predict import Activa, RangeWarning, shipped_models
from activa_core.tables import Column

TINY: dict[str, Any] = {"embed_dim": 8, "hidden_dim": 8, "latent_dim": 2, "decoder_blocks": 1}
CARDS = {"value": ModelCard(n_samples=(20, 500), value_range=3.0), "index": ModelCard()}


def untrained(**config: Any) -> Activa:
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(0)
        return Activa(CVAE(ModelConfig(**TINY, **config)), CARDS[config["query"]])


# Always draws the same latent, so that two answers can be compared number by number.
CERTAIN: dict[str, Any] = {
    "query": "value", "standardise": True, "fix_target": True, "max_variables": 3,
    "prior_components": 1, "latent_variance": 1e-18,
}  # fmt: skip


@pytest.fixture(scope="module")
def general() -> Activa:
    """Takes 2 or 3 columns in any units, and any value."""
    return untrained(
        query="value", standardise=True, fix_target=True, max_variables=3, decoder_components=2
    )


@pytest.fixture(scope="module")
def paper() -> Activa:
    """Takes 2 columns as they are, and the value 5."""
    return untrained(query="index", trained_values=(5.0,))


@pytest.fixture(scope="module")
def certain() -> Activa:
    return untrained(**CERTAIN)


def table(d: int = 3, *, rows: int = 40) -> pd.DataFrame:
    numbers = np.random.default_rng(0).normal(size=(rows, d)) @ np.triu(np.ones((d, d)))
    return pd.DataFrame(numbers * [1.0, 20.0, 3e4][:d] + [0.0, -7.0, 1e6][:d], columns=[*"XYZ"[:d]])


def test_the_target_is_a_point_mass_for_a_model_that_does_not_learn_it(general: Activa) -> None:
    effect = general.intervene(table(), do={"Y": 3.0})
    assert (effect.columns, effect.outcomes) == (("X", "Y", "Z"), ("X", "Z"))
    assert effect.fixed == effect.do == {"Y": 3.0}
    assert effect.mixture.means.shape == (100, 2)  # 50 draws of 2 components over 2 columns


def test_the_target_is_modelled_where_the_model_learned_it(paper: Activa) -> None:
    effect = paper.intervene(table(2), do={"Y": 5.0}, draws=7)
    assert effect.outcomes == ("X",)
    assert effect.fixed == {}
    assert effect.cov().loc["Y", "Y"] > 0


def test_the_answer_moves_with_the_units(general: Activa) -> None:
    old = table()
    shift, scale = np.array([3.0, -1e3, 5.0]), np.array([1e-3, 7.0, 1e4])
    before = general.intervene(old, do={"X": 1.0})
    after = general.intervene(old * scale + shift, do={"X": 1.0 * scale[0] + shift[0]})
    # float32 inside the network: relative to each column's standard deviation
    unit = old.std() * scale
    error = (after.mean() - (before.mean() * scale + shift)) / unit
    assert np.abs(error).max() < 1e-4
    assert after.prob_moves("Y") == before.prob_moves("Y")
    rows = before.sample(5)
    jacobian = np.log(scale[1:]).sum()
    np.testing.assert_allclose(
        after.log_prob(rows * scale + shift), before.log_prob(rows) - jacobian, atol=1e-3
    )


def test_the_network_is_shown_columns_standardised_as_in_training(certain: Activa) -> None:
    data, target = table(rows=20), torch.tensor([[False, True, False]])
    rows = torch.tensor(data.to_numpy())
    shift, scale = standardise(rows)
    values = torch.where(target, (-5.0 - shift) / scale, 0.0).float()
    with torch.no_grad():
        obs = ((rows - shift) / scale).float()[None]
        latent = certain.model.latent(Pairs(obs, target, values, interv=obs))
        law = certain.model.decode(latent.means[:, 0])
    expected = (shift + scale * law.mean())[0].numpy()
    error = (certain.intervene(data, do={"Y": -5.0}).mean() - expected) / data.std()
    assert np.abs(error[["X", "Z"]]).max() < 1e-4


def test_the_order_of_the_columns_moves_the_answer_along(certain: Activa) -> None:
    data = table()
    straight = certain.intervene(data, do={"Y": 3.0})
    turned = certain.intervene(data[["Z", "X", "Y"]], do={"Y": 3.0})
    difference = (turned.mean()[["X", "Y", "Z"]] - straight.mean()) / data.std()
    assert np.abs(difference).max() < 1e-4
    spread = turned.cov().loc[["X", "Z"], ["X", "Z"]] / straight.cov().loc[["X", "Z"], ["X", "Z"]]
    np.testing.assert_allclose(spread, 1.0, rtol=1e-3)


def test_the_order_of_the_rows_does_not_matter(general: Activa) -> None:
    data = table()
    straight = general.intervene(data, do={"Y": 3.0}).mean()
    turned = general.intervene(data[::-1], do={"Y": 3.0}).mean()
    assert (np.abs(turned - straight) / data.std()).max() < 1e-4


def test_the_value_and_the_target_change_the_answer(general: Activa) -> None:
    queries: list[dict[Column, float]] = [{"X": 1.0}, {"X": 2.0}, {"Y": 1.0}]
    assert len({general.intervene(table(), do=do).mean()["Z"] for do in queries}) == 3


def test_the_seed_decides_the_draws(general: Activa) -> None:
    means = [general.intervene(table(), do={"X": 1.0}, seed=s).mean()["Y"] for s in (0, 0, 1)]
    assert means[0] == means[1] != means[2]


def test_asking_leaves_the_global_random_state_alone(general: Activa) -> None:
    before = torch.random.get_rng_state()
    general.intervene(table(), do={"X": 1.0}).sample(10)
    assert torch.equal(before, torch.random.get_rng_state())


def test_every_kind_of_table_gets_the_same_answer(general: Activa) -> None:
    named = general.intervene(table(), do={"Y": 3.0}).mean().to_numpy()
    numbers = table().to_numpy()
    for kind in (numbers, numbers.tolist(), torch.tensor(numbers)):
        np.testing.assert_array_equal(general.intervene(kind, do={1: 3.0}).mean(), named)


def test_the_weights_of_the_draws_are_equal_to_the_last_digit(general: Activa) -> None:
    effect = general.intervene(table(), do={"X": 1.0}, draws=4)
    assert effect.prob_moves("Y", threshold=-1.0) == pytest.approx(1.0, abs=1e-15)
    weights = effect.mixture.log_weights.exp().reshape(4, 2).sum(dim=1)
    np.testing.assert_allclose(weights, 0.25, rtol=1e-14)


def test_the_predictor_is_the_same_question_by_mask(general: Activa) -> None:
    obs = table().to_numpy().astype(np.float32)
    targets = np.array([False, True, False])
    values = np.where(targets, 3.0, np.nan).astype(np.float32)
    answer = general.predictor(draws=6)(obs, targets, values, 4)
    same = general.intervene(obs, do={1: 3.0}, draws=6, seed=4)
    np.testing.assert_array_equal(answer.sample(8, 2), same.sample(8, seed=2))
    np.testing.assert_array_equal(answer.log_prob(obs), same.log_prob(obs))


def test_a_checkpoint_answers_as_the_model_it_was_written_from(
    general: Activa, tmp_path: Path
) -> None:
    save(tmp_path / "mine.safetensors", general.model, general.card)
    loaded = Activa.from_pretrained(tmp_path / "mine.safetensors")
    assert loaded.card == general.card
    assert loaded.config == general.config
    for model in (loaded, general):
        assert not model.model.training  # dropout off
    mean = [model.intervene(table(), do={"X": 1.0}).mean() for model in (loaded, general)]
    pd.testing.assert_series_equal(*mean)


def test_an_unknown_model_is_refused_and_the_shipped_ones_are_named() -> None:
    with pytest.raises(InputError, match='no model "gauss-3"; give the path') as refusal:
        Activa.from_pretrained("gauss-3")
    assert all(name in str(refusal.value) for name in shipped_models())


def test_a_damaged_checkpoint_is_refused(general: Activa, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    save(path, general.model, general.card)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        Activa.from_pretrained(path)


@pytest.mark.parametrize(
    ("rows", "value", "sentence"),
    [
        (19, 0.0, "has 19 rows and the model was trained on 20 to 500"),
        (40, 9.0, r'the value 9 for column "X" lies more than 3 standard deviations from its mean'),
        (40, -9.0, r"further than in training; read the answer with caution"),
    ],
)
def test_outside_the_range_of_training_a_warning_points_at_the_question(
    general: Activa, rows: int, value: float, sentence: str
) -> None:
    with pytest.warns(RangeWarning, match=sentence) as caught:
        effect = general.intervene(table(rows=rows), do={"X": value})
    assert np.isfinite(effect.mean()).all()
    assert [w.filename for w in caught] == [__file__]


def test_more_columns_than_in_training_are_answered_with_a_warning(general: Activa) -> None:
    narrow = Activa(general.model, ModelCard(n_variables=(2, 2)))
    with pytest.warns(RangeWarning, match="has 3 columns, the model was trained on 2;") as caught:
        narrow.intervene(table(), do={"X": 0.0})
    assert [w.filename for w in caught] == [__file__]


def test_inside_the_range_nothing_is_said(general: Activa) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        general.intervene(table(rows=20), do={"X": table(rows=20)["X"].mean()})
    assert not caught


BAD_TABLES: dict[str, tuple[Any, str]] = {
    "one row": (table(rows=1), "the table has one row; give at least two"),
    "no rows": (table(rows=0), "the table has no rows; give at least two"),
    "one column": (table()[["X"]], "has one column, the model takes 2 to 3"),
    "four columns": (table().assign(W=0.0), "has 4 columns, the model takes 2 to 3"),
    "text": (table().assign(Z="red"), r'column "Z" holds text \(\'red\'\); drop it or turn it'),
    "missing": (table().assign(Z=np.nan), 'column "Z" has missing values'),
    "infinite": (table().assign(Z=np.inf), 'column "Z" holds an infinite value'),
    "constant": (table().assign(Z=0.1), 'column "Z" is constant; drop it or give more rows'),
    "twice": (table().set_axis(["X", "Y", "X"], axis=1), 'two columns are named "X"'),
    "vector": ([1.0, 2.0, 3.0], "rows and columns"),
}


@pytest.mark.parametrize("bad", BAD_TABLES)
def test_a_table_that_the_model_cannot_take_is_refused(general: Activa, bad: str) -> None:
    given, sentence = BAD_TABLES[bad]
    with pytest.raises(InputError, match=sentence):
        general.intervene(given, do={0: 1.0})


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        ({"W": 1.0}, 'no column "W"; the columns are "X", "Y", "Z"'),
        ({"X": "high"}, "'high' for column \"X\" is not a finite number"),
        ({"X": np.nan}, 'nan for column "X" is not a finite number'),
        ({}, "do sets 0 columns"),
        ({"X": 1.0, "Y": 1.0}, "do sets 2 columns, the model was trained to set one at once"),
    ],
)
def test_a_query_that_the_model_cannot_take_is_refused(
    general: Activa, do: Any, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        general.intervene(table(), do=do)


def test_no_draws_are_refused(general: Activa) -> None:
    with pytest.raises(InputError, match="cannot predict from 0 latent draws"):
        general.intervene(table(), do={"X": 1.0}, draws=0)


def test_a_model_of_known_values_refuses_others(paper: Activa) -> None:
    with pytest.raises(InputError, match="knows only do-values of 5, not 4"):
        paper.intervene(table(2), do={"X": 4.0})
    with pytest.raises(InputError, match="has 3 columns, the model takes 2; choose"):
        paper.intervene(table(3), do={"X": 5.0})


def test_a_constant_column_is_fine_for_a_model_that_does_not_standardise(paper: Activa) -> None:
    effect = paper.intervene(table(2).assign(Y=0.0), do={"X": 5.0})
    assert np.isfinite(effect.mean()).all()
