"""The options that leave the paper's network: no latent, a late query, units as channels."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from activa_core import Activa
from activa_core.checkpoint import ModelCard
from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import Pairs, pairs
from activa_core.model import CVAE
from pydantic import ValidationError

LATE = {"late_query": True, "query_blocks": 1}
UNITS = {"standardise": True, "see_units": True}
VARIANTS: dict[str, dict[str, Any]] = {
    "late query": LATE,
    "no latent": {"latent": False},
    "units": UNITS,
    "all": {**LATE, **UNITS, "latent": False, "query": "value", "fix_target": True},
}


def network(config: ModelConfig, **changes: Any) -> CVAE:
    torch.random.manual_seed(0)
    changed = ModelConfig.model_validate({**config.model_dump(), "dropout": 0.0, **changes})
    return CVAE(changed).double().eval()


def asked(config: ModelConfig, batch: Any) -> Pairs:
    drawn = pairs(batch, standardised=config.standardise, oriented=config.oriented_by)
    return drawn.map(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
def test_queries_asked_together_have_the_answers_of_each_alone(
    small: ModelConfig, draw_batch: Callable[..., Any], changes: dict[str, Any]
) -> None:
    model = network(small, latent_variance=1e-20, prior_components=1, **changes)
    together = asked(model.config, draw_batch(3, 9, 0))
    each = [
        model.held_out(replace(together[slice(b, b + 1)], queries=1), 1, generator())
        for b in range(6)
    ]
    held_out = model.held_out(together, 1, generator())
    torch.testing.assert_close(held_out, torch.cat(each), rtol=0, atol=1e-8)
    assert len(set(held_out.tolist())) == 6


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
def test_relabelling_the_variables_changes_no_likelihood(
    small: ModelConfig, draw_batch: Callable[..., Any], changes: dict[str, Any]
) -> None:
    model = network(small, latent_variance=1e-20, prior_components=1, **changes)
    batch = draw_batch(3, 9, 0)
    names = ("obs", "interv", "targets", "values")
    turned = replace(batch, **{name: getattr(batch, name)[..., ::-1] for name in names})
    straight, moved = (
        model.held_out(asked(model.config, given), 1, generator()) for given in (batch, turned)
    )
    torch.testing.assert_close(moved, straight, rtol=0, atol=1e-8)


def test_without_a_latent_training_raises_the_likelihood_of_the_prediction(
    small: ModelConfig, draw_batch: Callable[..., Any]
) -> None:
    model = network(small, latent=False, fix_target=True)
    batch = asked(model.config, draw_batch(4, 9, 0))
    noise = torch.full((8, 1, 2, small.latent_dim), torch.nan)  # there is nothing to add it to
    evidence = model.evidence(batch, TrainConfig(predictive_weight=1.0), noise)
    torch.testing.assert_close(evidence.log_likelihood, model.held_out(batch, 5, generator()))
    torch.testing.assert_close(evidence.loss(0.1, 1.0), -evidence.log_likelihood)
    assert not any(name.startswith(("prior", "encoder")) for name in model.state_dict())


@pytest.mark.parametrize(
    ("option", "factor", "changes"),
    [
        ("see_units", 4.0, {"standardise": True}),
        ("see_reflection", -1.0, {**UNITS, "orient": True, "query": "value"}),
    ],
)
def test_only_a_network_that_sees_units_tells_scaled_or_reflected_columns_apart(
    small: ModelConfig,
    draw_batch: Callable[..., Any],
    option: str,
    factor: float,
    changes: dict[str, Any],
) -> None:
    batch, by = draw_batch(3, 9, 0), np.float32(factor)
    scaled = replace(batch, obs=batch.obs * by, interv=batch.interv * by, values=batch.values * by)
    for sees in (False, True):
        model = network(small, latent=False, **changes, **{option: sees})
        one, other = (
            model.held_out(asked(model.config, given), 1, generator()) for given in (batch, scaled)
        )
        assert torch.allclose(one, other, rtol=0, atol=1e-5) is not sees


def test_an_index_query_knows_its_value_in_standardised_columns(
    small: ModelConfig, draw_batch: Callable[..., Any]
) -> None:
    model = network(small, standardise=True, trained_values=(-40.0, 5.0), latent=False)
    known = model._query(asked(model.config, draw_batch(3, 9, 0)))  # (B, d, 2)
    assert known[..., 1].sum(dim=1).tolist() == [1.0] * 6
    assert not known[..., 0].any()


def test_a_constant_column_is_a_fact_for_a_model_that_sees_units(small: ModelConfig) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 2)) @ [[1.0, 2.0], [0.0, 1.0]]
    rows[:, 1] = 3.0
    model = network(small, **UNITS, latent=False).float()
    effect = Activa(model, ModelCard()).intervene(rows, do={0: 5.0})
    assert np.isfinite(effect.mean()).all()


def test_every_component_is_a_hypothesis_where_there_is_no_latent(small: ModelConfig) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 2))
    model = network(small, latent=False, decoder_components=3, fix_target=True).float()
    effect = Activa(model, ModelCard()).intervene(rows, do={0: 5.0}, draws=50)
    assert effect.hypotheses.tolist() == [0, 1, 2]
    low, high = effect.mean_interval(0.99)[1]
    assert low < effect.mean()[1] < high


def test_options_without_what_they_need_are_refused(small: ModelConfig) -> None:
    with pytest.raises(ValidationError, match="set both"):
        network(small, see_units=True)
    with pytest.raises(ValidationError, match="set late_query"):
        network(small, query_blocks=1)
