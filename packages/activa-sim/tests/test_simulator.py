from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from activa_sim import PRESETS, CausalBatch, InputError, SimulatorConfig, shard_range, simulator
from activa_sim.columns import draw_places
from activa_sim.graphs import Pair, PrunedErdosRenyi
from activa_sim.mechanisms import LinearMechanism
from activa_sim.noises import GaussianNoise
from activa_sim.queries import EachVariable, FixedValue
from activa_sim.rng import Site, Streams, model_streams
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

ALL = sorted(PRESETS)


@pytest.mark.parametrize("name", ALL)
def test_a_model_does_not_depend_on_how_many_are_drawn(name: str) -> None:
    assert simulator(name).sample(10, 40)[3] == simulator(name).sample(1000, 40)[3]


@pytest.mark.parametrize("name", ALL)
def test_batches_of_any_split_join_to_the_same_data(name: str) -> None:
    whole = simulator(name).sample(73, 7, seed=9, replicate=True)
    starts = [0, 1, 8, 73]
    parts = [
        simulator(name).sample(stop - start, 7, seed=9, start=start, replicate=True)
        for start, stop in pairwise(starts)
    ]
    assert CausalBatch.concat(parts) == whole


def test_a_step_of_the_stream_is_that_part_of_the_sample() -> None:
    stream = simulator("general-2").stream(5, 7, seed=2, split="validation", start_step=3)
    whole = simulator("general-2").sample(25, 7, seed=2, split="validation")
    assert [*islice(stream, 2)] == [whole[15:20], whole[20:25]]


def test_seeds_and_splits_have_no_rows_in_common() -> None:
    gauss = simulator("gauss-2")
    batches = [gauss.sample(50, 7, seed=s) for s in (0, 1, 2**32)]
    batches += [gauss.sample(50, 7, split=s) for s in ("validation", "test")]
    rows = np.concatenate([batch.obs.reshape(-1, 2) for batch in batches])
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_a_replicate_changes_nothing_else_and_repeats_no_row() -> None:
    alone, twice = (simulator("general-2").sample(9, 65, replicate=r) for r in (False, True))
    assert alone.interv_replicate is None
    assert twice.interv_replicate is not None
    assert_array_equal(alone.interv, twice.interv)
    assert_array_equal(alone.obs, twice.obs)
    assert not (twice.interv == twice.interv_replicate).all(axis=-1).any()


@pytest.mark.parametrize("shards", [1, 3, 10])
def test_shards_join_to_the_whole(shards: int) -> None:
    law = simulator("gauss-2")
    parts = [law.shard(10, 7, shards=shards, shard=k, seed=3) for k in range(shards)]
    assert CausalBatch.concat(parts) == law.sample(10, 7, seed=3)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_refuses_shards_that_there_are_not() -> None:
    with pytest.raises(InputError, match="shard is 3 of 3; shards are numbered from 0"):
        shard_range(10, shards=3, shard=3)
    with pytest.raises(InputError, match="2 models make no 3 shards; give at least one each"):
        shard_range(2, shards=3, shard=0)


def closed_form(
    weights: NDArray[np.float64], mean: NDArray[np.float64], var: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and covariance of V = B^T V + eps: with T = (I - B)^-1, T^T E[eps] and T^T Var T."""
    total = np.linalg.inv(np.eye(len(mean)) - weights)
    return total.T @ mean, total.T @ np.diag(var) @ total


def assert_moments(
    rows: NDArray[np.float32], mean: NDArray[np.float64], covariance: NDArray[np.float64]
) -> None:
    """Compare rows (N, d) with exact moments, within 5 standard errors."""
    centred = rows.astype(np.float64) - mean
    products = centred[:, :, None] * centred[:, None, :]  # (N, d, d)
    for numbers, exact in ((centred, np.zeros_like(mean)), (products, covariance)):
        error = numbers.std(axis=0) / np.sqrt(len(rows))
        assert (np.abs(numbers.mean(axis=0) - exact) < 5 * error + 1e-6).all()


@pytest.mark.parametrize(
    ("name", "start"),
    [("gauss-2", 0), ("gauss-8", 0), ("gauss-8", 41), ("beta-2", 1), ("beta-8", 7)],
)
def test_linear_models_have_the_moments_that_algebra_gives(name: str, start: int) -> None:
    config = PRESETS[name]
    assert isinstance(config.mechanism, LinearMechanism)
    d, streams = config.variables, model_streams(0, "test", start, 1)
    causal_graph = config.graph.draw(streams, d)
    law, (place,) = config.mechanism.draw(streams, causal_graph), draw_places(streams, d)
    causes = np.broadcast_to(np.eye(d), (1, d, d))
    weights = np.stack([law.child(j, causes, np.zeros((1, d)))[0] for j in range(d)], axis=1)
    weights = weights[place][:, place]  # by column
    mean, var = noise_moments(config, model_streams(0, "test", start, 1))
    mean, var = mean[place], var[place]

    batch = simulator(name).sample(1, 40_000, split="test", start=start)
    assert batch.graphs is not None
    assert_array_equal(batch.graphs[0], weights != 0.0)
    assert_moments(batch.obs[0], *closed_form(weights, mean, var))
    for q in range(d):
        cut, set_mean, set_var = weights.copy(), mean.copy(), var.copy()
        cut[:, q], set_mean[q], set_var[q] = 0.0, 5.0, 0.1**2
        assert_moments(batch.interv[0, q], *closed_form(cut, set_mean, set_var))


def noise_moments(
    config: SimulatorConfig, streams: Streams
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of the noise of one model, by causal number."""
    d = config.variables
    if isinstance(config.noise, GaussianNoise):
        return np.zeros(d), np.full(d, 0.25)
    a, b = 0.5 + 1.5 * streams.at(Site.NOISE_LAW, range(d)).uniform(2)[0].T
    return a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))


def test_what_was_asked_for_stands_in_the_batch() -> None:
    batch = simulator("general-2").sample(4, 7, seed=5, split="test", start=6)
    assert (batch.seed, batch.split, batch.config) == (5, "test", PRESETS["general-2"].as_dict())
    assert batch.index is not None
    assert_array_equal(batch.index, [6, 7, 8, 9])


@pytest.mark.parametrize(
    ("models", "rows", "name"),
    [(0, 40, "gauss-2"), (-1, 40, "gauss-2"), (3, 0, "gauss-2"), (3, 1, "general-2")],
)
def test_refuses_counts_that_make_no_sample(models: int, rows: int, name: str) -> None:
    with pytest.raises(
        InputError, match=f"{models} models with {rows} rows each .* at least 1 mod"
    ):
        simulator(name).sample(models, rows)


@pytest.mark.parametrize("argument", ["n_models", "n_samples", "seed", "start"])
def test_refuses_numbers_that_are_not_whole(argument: str) -> None:
    numbers: dict[str, Any] = {"n_models": 2, "n_samples": 3, "seed": 0, "start": 0, argument: 2.5}
    with pytest.raises(InputError, match=rf"{argument} is 2\.5; give a whole number"):
        simulator("gauss-2").sample(**numbers)
    numbers[argument] = np.int16(2)
    assert len(simulator("gauss-2").sample(**numbers)) == 2


def test_a_stream_refuses_what_a_sample_refuses() -> None:
    with pytest.raises(InputError, match="-5 models with 3 rows each were asked for; give at leas"):
        next(simulator("gauss-2").stream(-5, 3, ahead=2))
    with pytest.raises(InputError, match="the first model is -5; models are numbered from 0"):
        next(simulator("gauss-2").stream(5, 3, start_step=-1))


@pytest.mark.parametrize(
    ("part", "law", "known"),
    [
        ("graph", "erdos-renyi", r"choose one of Chain, EdgeList, Empty, ErdosRenyi, Pair"),
        ("graph", GaussianNoise(), "choose one of Chain"),
        ("mechanism", GaussianNoise(), "choose one of AssortedMechanism, BandedMechanism"),
        ("noise", LinearMechanism(), r"choose one of .*GumbelNoise, .*UniformNoise"),
        ("noise", GaussianNoise, r"choose one of .*GumbelNoise, .*UniformNoise"),
        ("query", EachVariable(), r"choose one of .*FixedValue, .*WithinSpread$"),
        ("targets", FixedValue(), "choose one of EachVariable, Subsets$"),
        ("latents", 2, "choose one of Confounders$"),
        ("levels", 0.5, "choose one of Levels$"),
        ("graphs", Pair(), 'unknown part "graphs"; choose from variables, graph, mechanism, noise'),
        ("variables", 2.5, r"variables is 2\.5; give a whole number"),
    ],
)
def test_an_unknown_part_is_answered_with_the_known_ones(part: str, law: Any, known: str) -> None:
    with pytest.raises(InputError, match=known):
        simulator("gauss-8").changed(**{part: law})


def test_one_row_is_enough_where_the_value_is_known() -> None:
    assert simulator("gauss-2").sample(1, 1).interv.shape == (1, 2, 1, 2)


def test_refuses_a_model_without_variables_and_laws_that_do_not_fit() -> None:
    parts = LinearMechanism(), GaussianNoise(), FixedValue()
    with pytest.raises(InputError, match="0 variables make no model"):
        SimulatorConfig(0, PrunedErdosRenyi(), *parts)
    with pytest.raises(InputError, match="65 variables are too many"):
        SimulatorConfig(65, PrunedErdosRenyi(), *parts)
    with pytest.raises(InputError, match="the pair law has 2 variables"):
        SimulatorConfig(3, Pair(), *parts)
