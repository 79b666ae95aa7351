import math
from dataclasses import replace
from typing import Any, Literal

import pytest
import torch
from activa_core.config import ModelConfig, TrainConfig
from activa_core.data import Pairs, pairs
from activa_core.model import CVAE, count_parameters
from activa_core.model.cvae import marginal_log_prob
from activa_core.model.embedding import encode_query
from activa_core.model.layers import TransformerBlock
from activa_core.model.prior import LatentMixture
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

VALUE = {"query": "value", "standardise": True, "fix_target": True}


def network(config: ModelConfig, **changes: Any) -> CVAE:
    torch.random.manual_seed(0)
    changed = ModelConfig.model_validate({**config.model_dump(), "dropout": 0.0, **changes})
    return CVAE(changed).double().eval()


def problem(B: int, N: int, d: int) -> Pairs:
    generator = torch.Generator().manual_seed(1)
    obs = torch.randn(B, N, d, generator=generator, dtype=torch.float64)
    targets = torch.arange(d) == torch.arange(B)[:, None] % d
    values = torch.where(targets, 5.0, 0.0).double()
    return Pairs(obs, targets, values, obs.flip(1) + values[:, None])


def relabelled(asked: Pairs, order: Tensor) -> Pairs:
    """The same questions, their variables in another order."""
    return replace(
        asked,
        obs=asked.obs[..., order],
        targets=asked.targets[:, order],
        values=asked.values[:, order],
        interv=asked.interv[..., order],
    )


def draw_noise(B: int, d: int, config: ModelConfig, draws: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(B, draws, d, config.latent_dim, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("query", ["index", "value"])
def test_relabelling_the_variables_moves_the_answer_and_changes_nothing_else(
    small: ModelConfig, query: str
) -> None:
    model, asked = network(small, query=query), problem(3, 7, 5)
    order = torch.tensor([3, 0, 4, 1, 2])
    prior = model.latent(asked)
    moved = model.latent(relabelled(asked, order))
    torch.testing.assert_close(moved.log_weights, prior.log_weights)
    torch.testing.assert_close(moved.means, prior.means[:, :, order])
    decoded, redecoded = model.decode(prior.means[:, 0]), model.decode(moved.means[:, 0])
    torch.testing.assert_close(redecoded.means, decoded.means[..., order])
    torch.testing.assert_close(redecoded.cov(), decoded.cov()[:, order][..., order])
    assert not torch.allclose(prior.means, prior.means[:, :, order])


def test_the_order_of_the_samples_does_not_matter(small: ModelConfig) -> None:
    model, asked = network(small), problem(2, 9, 2)
    prior = model.latent(asked)
    shuffled = model.latent(replace(asked, obs=asked.obs.flip(1)))
    torch.testing.assert_close(shuffled.means, prior.means)


def test_one_network_takes_any_number_of_variables(small: ModelConfig) -> None:
    model = network(small)
    for d in (2, 3, 7):
        asked = problem(2, 4, d)
        prior = model.latent(asked)
        assert model.decode(prior.means[:, 0]).means.shape == (2, 1, d)


@pytest.mark.parametrize("kl", ["bound", "monte_carlo"])
@pytest.mark.parametrize("changes", [{}, VALUE, {"learned_diagonal": True, "covariance_rank": 1}])
def test_every_parameter_receives_a_gradient(
    small: ModelConfig, changes: dict[str, Any], kl: Literal["bound", "monte_carlo"]
) -> None:
    model = network(small, decoder_components=2, **changes)
    evidence = model.evidence(problem(4, 6, 2), TrainConfig(kl=kl), draw_noise(4, 2, small))
    evidence.loss(0.1, 0.0).mean().backward()  # type: ignore[no-untyped-call]
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # a shift of all scores cancels in a softmax
    assert [n for n in without if "scores" not in n] == []


def test_the_predictive_term_is_the_likelihood_of_the_answer_under_the_prior(
    small: ModelConfig,
) -> None:
    """Each component's latents are shifted alike: sum_c rho_c mean_j p(x | z_cj), written out."""
    model, asked = network(small, prior_components=3, decoder_components=2), problem(4, 6, 2)
    noise, config = draw_noise(4, 2, small, draws=2), TrainConfig(predictive_weight=0.5)
    evidence = model.evidence(asked, config, noise)
    prior = model.latent(asked)
    scale = math.sqrt(small.latent_variance)
    shares = [
        prior.log_weights[:, c, None]
        + model.decode(prior.means[:, c] + scale * noise[:, j]).log_prob(asked.interv)
        - math.log(2)
        for c in range(3)
        for j in range(2)
    ]
    expected = torch.stack(shares).logsumexp(dim=0).mean(dim=1)
    assert evidence.predictive is not None
    torch.testing.assert_close(evidence.predictive, expected)
    loss = 0.1 * evidence.divergence - evidence.log_likelihood - 0.5 * expected
    torch.testing.assert_close(evidence.loss(0.1, 0.5), loss)


def test_the_parameters_are_counted_without_a_network(small: ModelConfig) -> None:
    before = torch.random.get_rng_state()
    found = count_parameters(small)
    assert torch.equal(before, torch.random.get_rng_state())
    assert found == sum(parameter.numel() for parameter in CVAE(small).parameters())


def test_dropout_follows_from_the_key_and_differs_from_block_to_block(small: ModelConfig) -> None:
    model, asked = network(small, dropout=0.3), problem(4, 6, 2)
    noise = draw_noise(4, 2, small)

    def evidence(key: Tensor | None) -> Tensor:
        return model.evidence(asked, TrainConfig(), noise, key=key).log_likelihood

    keys = [torch.tensor([seed, step]) for seed, step in ((1, 1), (1, 1), (1, 2), (2, 1))]
    first, again, *others = (evidence(key) for key in keys)
    assert torch.equal(first, again)
    for other in (*others, evidence(None)):
        assert not torch.allclose(first, other)
    blocks = [module for module in model.modules() if isinstance(module, TransformerBlock)]
    assert sorted(block.layer for block in blocks) == list(range(len(blocks)))


def test_index_query_is_the_target_mask_in_the_channel_of_its_value() -> None:
    config = ModelConfig(trained_values=(0.0, 5.0))
    targets = torch.tensor([[True, False], [False, True]])
    values = torch.tensor([[5.0, 0.0], [0.0, 0.0]])
    expected = [[[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]]
    assert encode_query(targets, values, config).tolist() == expected
    value = encode_query(targets, values, ModelConfig(query="value"))
    assert value.tolist() == [[[1.0, 5.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]]


def latent_mixture() -> LatentMixture:
    generator = torch.Generator().manual_seed(3)
    log_weights = torch.randn(2, 3, generator=generator, dtype=torch.float64).log_softmax(-1)
    means = torch.randn(2, 3, 2, 4, generator=generator, dtype=torch.float64)
    return LatentMixture(log_weights, means, 0.1)


def test_prior_density_agrees_with_torch() -> None:
    prior = latent_mixture()
    components = Independent(Normal(prior.means, math.sqrt(0.1)), 2)
    exact = MixtureSameFamily(Categorical(logits=prior.log_weights), components)
    z = prior.means[:, 1] + 0.1
    torch.testing.assert_close(prior.log_prob(z), exact.log_prob(z))  # type: ignore[no-untyped-call]


def test_both_kl_forms_equal_the_closed_form_when_the_prior_has_one_component() -> None:
    prior = latent_mixture()
    single = LatentMixture(torch.zeros(2, 1).double(), prior.means[:, :1], prior.variance)
    mean = prior.means[:, 1]
    exact = (mean - prior.means[:, 0]).square().sum((-1, -2)) / (2 * prior.variance)
    torch.testing.assert_close(single.kl_bound(mean), exact)
    noise = torch.randn(20_000, *mean.shape, generator=torch.Generator().manual_seed(0)).double()
    drawn = mean + math.sqrt(prior.variance) * noise
    estimate = torch.stack([single.kl_monte_carlo(mean, z) for z in drawn[:2000]]).mean(0)
    # the standard deviation of one term is |mean - mu| / s, so sqrt(2 exact)
    assert ((estimate - exact).abs() < 4 * (2 * exact / 2000).sqrt()).all()


def test_the_bound_lies_above_the_divergence_from_a_mixture() -> None:
    prior, generator = latent_mixture(), torch.Generator().manual_seed(1)
    mean = prior.means.mean(1)
    noise = torch.randn(4000, *mean.shape, generator=generator).double()
    z = mean + math.sqrt(prior.variance) * noise
    estimates = torch.stack([prior.kl_monte_carlo(mean, one) for one in z])
    error = estimates.std(0) / math.sqrt(len(z))
    assert (prior.kl_bound(mean) > estimates.mean(0) - 3 * error).all()


def test_draws_of_the_prior_follow_it_and_take_components_in_proportion() -> None:
    prior = LatentMixture(torch.tensor([[0.3, 0.7]]).log(), torch.tensor([0.0, 9.0])[
        None, :, None, None].expand(1, 2, 1, 1), 0.1)  # fmt: skip
    z = prior.sample(1000, generator=torch.Generator().manual_seed(0))
    assert z.shape == (1000, 1, 1, 1)
    upper = z.flatten() > 4.5
    assert abs(upper.double().mean().item() - 0.7) <= 1e-3  # systematic: within 1 / n
    assert abs(z.flatten()[upper].var().item() - 0.1) < 0.02


def test_all_components_of_a_fresh_prior_share_an_answer(small: ModelConfig) -> None:
    model, asked = network(small, prior_components=4, latent_dim=16), problem(6, 20, 2)
    prior = model.latent(asked)
    apart = (prior.means[:, :, None] - prior.means[:, None]).square().sum((-1, -2))
    assert (apart / (2 * prior.variance)).max() < 1  # nats
    assert not torch.allclose(prior.means[:, 0], prior.means[:, 1])


def test_a_column_left_out_of_a_batch_is_integrated_out_exactly() -> None:
    torch.random.manual_seed(0)
    model = CVAE(ModelConfig(decoder_components=3, learned_diagonal=True)).double().eval()
    asked = problem(4, 6, 3)
    decoded = model.decode(torch.randn(4, 3, 16, dtype=torch.float64))
    left_out = marginal_log_prob(decoded, asked.interv, asked.targets)
    for b, target in enumerate(asked.targets.int().argmax(-1).tolist()):
        kept = [j for j in range(3) if j != target]
        exact = decoded.marginal(kept).log_prob(asked.interv[..., kept])[b]
        torch.testing.assert_close(left_out[b], exact)


def test_standardised_pairs_forget_the_units(draw_batch: Any) -> None:
    batch = draw_batch(3, 20, 0)
    scaled = type(batch)(
        batch.obs * 100 - 7, batch.interv * 100 - 7, batch.targets, batch.values * 100 - 7
    )
    plain, moved = pairs(batch, standardised=True), pairs(scaled, standardised=True)
    for name in ("obs", "interv", "values", "targets"):
        one, other = getattr(plain, name), getattr(moved, name)
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-4)
    assert abs(float(plain.obs.std(dim=1).mean()) - 1) < 1e-5
    assert plain.obs.shape == (6, 20, 2)


def test_held_out_density_averages_the_draws_in_probability(small: ModelConfig) -> None:
    model, asked = network(small), problem(2, 5, 2)
    one = model.held_out(asked, 1, torch.Generator().manual_seed(0))
    prior = model.latent(asked)
    z = prior.sample(1, generator=torch.Generator().manual_seed(0))
    by_hand: Tensor = marginal_log_prob(model.decode(z[0]), asked.interv, asked.targets).mean(-1)
    torch.testing.assert_close(one, by_hand)
    many = model.held_out(asked, 64, torch.Generator().manual_seed(0))
    assert (many > one - 3).all()
    assert not torch.equal(many, one)
