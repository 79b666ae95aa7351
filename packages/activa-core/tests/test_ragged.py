"""Models of different sizes in one batch: each gets what it gets alone."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import Pairs, pairs
from activa_core.errors import InputError
from activa_core.model import CVAE
from numpy.typing import NDArray
from torch import Tensor

M, Q, N, D = 3, 2, 7, 5
N_OBS, N_VARS = np.array([7, 2, 5]), np.array([3, 5, 2])


@dataclass(frozen=True)
class RaggedBatch:  # in float64, as nothing but the types of `Batch` asks for float32
    obs: NDArray[Any]
    interv: NDArray[Any]
    targets: NDArray[np.bool_]
    values: NDArray[Any]
    n_obs: NDArray[np.int64] | None = None
    n_vars: NDArray[np.int64] | None = None


def ragged_batch(padding: float) -> RaggedBatch:
    """In float64, with `padding` wherever nothing is real."""
    random = np.random.default_rng(0)
    rows = np.arange(N) < N_OBS[:, None]  # (M, N)
    columns = np.arange(D) < N_VARS[:, None]  # (M, D)
    real = rows[:, :, None] & columns[:, None]  # (M, N, D)
    targets = np.zeros((M, Q, D), dtype=np.bool_)
    targets[:, 0, 0] = targets[:, 1, 1] = True
    values = np.where(targets, random.normal(size=(M, Q, D)), np.nan)
    return RaggedBatch(
        np.where(real, random.normal(2.0, 3.0, (M, N, D)), padding),
        np.where(real[:, None], random.normal(1.0, 2.0, (M, Q, N, D)), padding),
        targets,
        np.where(columns[:, None], values, padding),
        N_OBS,
        N_VARS,
    )


def alone(batch: RaggedBatch, m: int) -> RaggedBatch:
    """One model, cut to its size, in a batch that is not ragged."""
    n, d = N_OBS[m], N_VARS[m]
    return RaggedBatch(
        batch.obs[m : m + 1, :n, :d],
        batch.interv[m : m + 1, :, :n, :d],
        batch.targets[m : m + 1, :, :d],
        batch.values[m : m + 1, :, :d],
    )


def network(**changes: Any) -> CVAE:
    torch.random.manual_seed(0)
    config = ModelConfig(
        embed_dim=8, hidden_dim=12, embed_blocks=2, decoder_blocks=1, latent_dim=3,
        max_variables=D, dropout=0.0, decoder_components=2, eps=1.0, **changes,
    )  # fmt: skip
    model = CVAE(config).double()
    for parameter in model.parameters():  # biases too, which a padded cell would show
        torch.nn.init.normal_(parameter, std=0.3)
    return model


PAPER: dict[str, Any] = {}
GENERAL = {"query": "value", "standardise": True, "fix_target": True, "learned_diagonal": True}
LATE = {**GENERAL, "see_units": True, "late_query": True, "query_blocks": 2}
VARIANTS = {
    "paper": PAPER,
    "general": {**GENERAL, "orient": True},
    "late": {**LATE, "orient": True, "see_reflection": True},
    "direct": {**LATE, "latent": False},
}


def seen(model: CVAE, batch: RaggedBatch, interv_rows: int | None = None) -> Pairs:
    config = model.config
    return pairs(
        batch, standardised=config.standardise, oriented=config.oriented_by, interv_rows=interv_rows
    )


def terms(
    model: CVAE, asked: Pairs, noise: Tensor, config: TrainConfig
) -> tuple[Tensor, list[Tensor]]:
    """Loss of each pair and the gradients of its sum."""
    evidence = model.evidence(asked, config, noise)
    loss = evidence.loss(
        0.3 / (asked.rows if config.rows == "sum" else 1), config.predictive_weight
    )
    gradients = torch.autograd.grad(loss.sum(), list(model.parameters()))
    return torch.stack([loss, evidence.log_likelihood, evidence.divergence]).detach(), [*gradients]


@pytest.mark.parametrize("rows", ["mean", "sum"])
@pytest.mark.parametrize("kl", ["bound", "monte_carlo"])
@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
@pytest.mark.parametrize(("interv_rows", "predictive_weight"), [(None, 0.0), (4, 0.7)])
def test_each_model_of_a_ragged_batch_gets_what_it_gets_alone(
    changes: dict[str, Any],
    kl: Literal["bound", "monte_carlo"],
    rows: Literal["mean", "sum"],
    interv_rows: int | None,
    predictive_weight: float,
) -> None:
    model = network(**changes)
    config = TrainConfig(kl=kl, rows=rows, predictive_weight=predictive_weight)
    batch = ragged_batch(np.nan)
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(M * Q, 2, D, 3, dtype=torch.float64, generator=generator)
    asked = seen(model, batch, interv_rows)
    together, gradients = terms(model, asked, noise, config)
    total = [torch.zeros_like(g) for g in gradients]
    for m in range(M):
        own = slice(m * Q, (m + 1) * Q)
        cut = seen(model, alone(batch, m), interv_rows)
        expected, by_itself = terms(model, cut, noise[own, :, : N_VARS[m]], config)
        torch.testing.assert_close(together[:, own], expected, rtol=0, atol=1e-10)
        total = [g + more for g, more in zip(total, by_itself, strict=True)]
    for found, wanted in zip(gradients, total, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_held_out_density_of_a_ragged_batch_is_that_of_its_models(
    changes: dict[str, Any],
) -> None:
    model, batch = network(latent_variance=1e-20, prior_components=1, **changes), ragged_batch(0.0)

    def held_out(given: RaggedBatch) -> Tensor:
        return model.held_out(seen(model, given), 2, torch.Generator().manual_seed(0)).detach()

    each = torch.cat([held_out(alone(batch, m)) for m in range(M)])
    torch.testing.assert_close(held_out(batch), each, rtol=0, atol=1e-8)  # draws differ by 1e-10


def test_what_padding_holds_does_not_matter() -> None:
    first, *others = (pairs(ragged_batch(p), standardised=True) for p in (0.0, 1e9, np.nan, np.inf))
    for other in others:
        assert torch.equal(first.obs, other.obs)
        assert torch.equal(first.interv, other.interv)
        assert torch.equal(first.values, other.values)
    padding = first.obs[2, 2:], first.obs[:2, :, 3:], first.values[:2, 3:]  # models 1, 0 and 0
    assert not any(cells.any() for cells in padding)


def test_sizes_that_do_not_fit_are_refused() -> None:
    batch = ragged_batch(0.0)
    sizes: tuple[tuple[str, Any], ...] = (
        ("n_obs", [7, 1, 5]), ("n_obs", [8, 2, 5]), ("n_obs", [7, 2]), ("n_vars", [3, 6, 2]),
    )  # fmt: skip
    for name, given in sizes:
        with pytest.raises(InputError, match=f"{name} must give each of 3 models a number from"):
            pairs(replace(batch, **{name: np.array(given)}), standardised=True)
    with pytest.raises(InputError, match="sets a variable beyond its model's n_vars"):
        pairs(replace(batch, n_vars=np.array([3, 5, 1])), standardised=True)
