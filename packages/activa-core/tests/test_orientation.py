"""Oriented columns: reflected data have the reflected answer, in training and in asking alike."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from activa_core.checkpoint import ModelCard
from activa_core.config import ModelConfig
from activa_core.data import pairs
from activa_core.model import CVAE
from activa_core.predict import Activa


def oriented(small: ModelConfig, **changes: Any) -> Activa:
    fixed = {"dropout": 0.0, "standardise": True, "fix_target": True, "orient": True}
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(0)
        config = ModelConfig.model_validate({**small.model_dump(), **fixed, **changes})
        return Activa(CVAE(config), ModelCard())


@pytest.mark.parametrize("latent", [False, True])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("signs", [*itertools.product([-1.0, 1.0], repeat=3)])
def test_reflected_columns_reflect_the_answer(
    small: ModelConfig, signs: tuple[float, ...], late: bool, latent: bool
) -> None:
    model = oriented(small, query="value", late_query=late, latent=latent)
    data = np.random.default_rng(0).normal(size=(40, 3)) @ np.triu(np.ones((3, 3)))
    data, mirror = data * [1.0, 20.0, 3e4] + [0.0, -7.0, 1e6], np.array(signs)
    straight = model.intervene(data, do={1: 3.0})
    turned = model.intervene(data * mirror, do={1: 3.0 * mirror[1]})
    error = (turned.mean() * mirror - straight.mean()) / data.std(axis=0)
    assert np.abs(error).max() < 1e-5
    rows = straight.sample(20)
    np.testing.assert_allclose(turned.log_prob(rows * mirror), straight.log_prob(rows), atol=1e-4)


@pytest.mark.parametrize(
    "changes",
    [{"query": "value"}, {"see_units": True}, {"see_units": True, "see_reflection": True}],
)
@pytest.mark.parametrize("late", [False, True])
def test_a_model_is_asked_as_it_was_trained(
    small: ModelConfig, draw_batch: Callable[..., Any], late: bool, changes: dict[str, Any]
) -> None:
    model = oriented(small, late_query=late, latent=False, **changes)
    drawn, falls = draw_batch(3, 30, 1), np.array([-1, 1], dtype=np.float32)  # one while one rises
    batch = replace(drawn, obs=drawn.obs * falls, interv=drawn.interv * falls)
    seen = pairs(batch, standardised=True, oriented=model.config.oriented_by)
    assert seen.units is not None
    assert (seen.units[:, 1] < 0).any()
    held_out = model.model.held_out(seen, 1, torch.Generator().manual_seed(0)).view(3, 2)
    for m, q in itertools.product(range(3), range(2)):
        rows, target = batch.obs[m], int(batch.targets[m, q].argmax())
        effect = model.intervene(rows, do={target: 5.0})
        scale = np.delete(rows.std(axis=0, ddof=1), target)
        answer = effect.log_prob(batch.interv[m, q]).mean() + np.log(scale).sum()
        assert answer == pytest.approx(held_out[m, q].item(), abs=1e-4)
