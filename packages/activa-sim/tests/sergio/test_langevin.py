import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from activa_sim.rng import Site, Streams, model_streams
from activa_sim.sergio.cells import IndependentCells, TrajectoryCells
from activa_sim.sergio.hubs import HubsAndLeaves
from activa_sim.sergio.kinetics import Kinetics, Rates
from activa_sim.sergio.langevin import DT, HalfResponse, Noise, expression
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
QUIET = 1e-9  # an amplitude at which the equation is its drift


class Course(TrajectoryCells):
    """Shows every point of a trajectory in turn."""

    def ages(self, streams: Streams, conditions: int, n: int) -> NDArray[np.int64]:
        return np.broadcast_to(np.arange(n, 0, -1), (*streams.shape, conditions, n))


COURSE = Course(steps=1, settling_steps=0)


def express(
    graph: BoolArray,
    rates: Rates,
    factors: FloatArray,
    n: int,
    *,
    cells: TrajectoryCells | IndependentCells = COURSE,
    half_response: HalfResponse = "per_condition",
    noise: Noise = "dpd",
    seed: int = 0,
) -> FloatArray:
    """Cells (M, d, R, C, N) of models that share a graph (d, d) and factors (R, d)."""
    M = len(rates.hill)
    return expression(
        np.broadcast_to(graph, (M, *graph.shape)),
        rates,
        np.broadcast_to(factors, (M, *factors.shape)),
        model_streams(seed, "test", 0, M),
        n,
        cells=cells,
        half_response=half_response,
        noise=noise,
    )


def same_rates(
    M: int,
    strength: FloatArray,
    basal: FloatArray,
    *,
    hill: float = 2.0,
    decay: float = 0.8,
    amplitude: float = 1.0,
) -> Rates:
    """Rates of M equal models; a negative strength represses."""
    return Rates(
        strength=np.broadcast_to(np.abs(strength), (M, *strength.shape)),
        activates=np.broadcast_to(strength >= 0.0, (M, *strength.shape)),
        basal=np.broadcast_to(basal, (M, *basal.shape)),
        hill=np.full(M, hill),
        decay=np.full(M, decay),
        noise_amplitude=np.full(M, amplitude),
    )


@pytest.mark.parametrize(
    ("cells", "half_response", "noise"),
    [
        (TrajectoryCells(5, 3), "per_condition", "dpd"),
        (TrajectoryCells(4, 10), "wild_type", "sp"),
        (IndependentCells(17), "per_condition", "spd"),
        (IndependentCells(17), "wild_type", "dpd"),
    ],
)
def test_agrees_with_the_equation_written_out_for_one_model(
    cells: TrajectoryCells | IndependentCells,
    half_response: HalfResponse,
    noise: Noise,
    backend: str,
) -> None:
    tolerance = 1e-9 if backend == "reference" else 1e-5  # compiled code computes in float32
    streams = model_streams(7, "validation", 40, 4)
    graphs, _ = HubsAndLeaves(another_hub=0.8, chained=0.9).draw(streams, 5)
    rates = Kinetics().draw(streams, 5, 3)
    factors = np.ones((4, 4, 5))
    factors[:, 1, 0], factors[:, 2, 2], factors[:, 3, 1:3] = 0.0, 0.5, 3.0
    laws: Any = {"cells": cells, "half_response": half_response, "noise": noise}
    seen = expression(graphs, rates, factors, streams, 4, **laws)
    for model in range(4):
        numbers = {
            "strength": rates.strength[model],
            "activates": rates.activates[model],
            "basal": rates.basal[model],
            "hill": float(rates.hill[model]),
            "decay": float(rates.decay[model]),
            "amplitude": float(rates.noise_amplitude[model]),
        }
        one = by_loops(graphs[model], numbers, factors[model], streams[[model]], 4, **laws)
        assert_allclose(seen[model], one, rtol=tolerance, atol=tolerance)


def by_loops(
    graph: BoolArray,
    rates: dict[str, Any],
    factors: FloatArray,
    streams: Streams,
    n: int,
    *,
    cells: TrajectoryCells | IndependentCells,
    half_response: str,
    noise: str,
) -> FloatArray:
    """One gene, condition, cell type, trajectory and step after the other."""
    (R, d), C = factors.shape, rates["basal"].shape[1]
    separate = isinstance(cells, IndependentCells)
    level = [longest_path(graph, gene) for gene in range(d)]
    xi = streams.at(Site.LANGEVIN, range(d), range(R * C))
    ages = cells.ages(streams, R, n)[0]
    seen = np.full((d, R, C, n), np.nan)
    course: dict[tuple[int, int, int, int], list[float]] = {}

    def produced(j: int, r: int, c: int, concentrations: dict[int, float]) -> float:
        if not graph[:, j].any():
            return float(factors[r, j] * rates["basal"][j, c])
        total = 0.0
        for i, x in concentrations.items():
            half = seen[i, 0 if half_response == "wild_type" else r].mean(axis=1).mean()
            share = x ** rates["hill"] / (half ** rates["hill"] + x ** rates["hill"]) if x else 0.0
            total += rates["strength"][i, j] * (share if rates["activates"][i, j] else 1.0 - share)
        return float(factors[r, j] * total)

    for j in sorted(range(d), key=lambda gene: -level[gene]):
        regulators: list[int] = np.nonzero(graph[:, j])[0].tolist()
        for r, c in np.ndindex(R, C):
            steps = cells.steps if separate else cells.points(level[j], n) - 1
            length = 4 * math.ceil(steps / 4)  # whole blocks
            kicks = xi[0, j, r * C + c].normal(length * cells.paths(n)).reshape(-1, length)
            for path in range(cells.paths(n)):
                at_mean = {i: float(seen[i, r, c].mean()) for i in regulators}
                x = [produced(j, r, c, at_mean) / rates["decay"]]
                for t in range(steps):
                    gained = produced(j, r, c, {i: course[i, r, c, path][t] for i in regulators})
                    lost = rates["decay"] * x[t]
                    size = {
                        "dpd": np.sqrt(gained + lost),
                        "sp": np.sqrt(gained),
                        "spd": np.sqrt(gained) + np.sqrt(lost),
                    }[noise]
                    kick = rates["amplitude"] * np.sqrt(DT) * kicks[path, t] * size
                    x.append(max(0.0, float(x[t] + DT * (gained - lost) + kick)))
                course[j, r, c, path] = x
                if separate:
                    seen[j, r, c, path] = x[-1]
            if not separate:
                seen[j, r, c] = [course[j, r, c, 0][-age] for age in ages[r]]
    return seen


def longest_path(graph: BoolArray, gene: int) -> int:
    below = [1 + longest_path(graph, target) for target in np.nonzero(graph[gene])[0].tolist()]
    return max(below, default=0)


@pytest.mark.parametrize(("seen_after", "amplitude", "decay"), [(65, 0.3, 0.7), (300, 0.2, 1.5)])
def test_a_gene_without_regulators_has_the_moments_of_a_linear_recursion(
    seen_after: int, amplitude: float, decay: float
) -> None:
    basal = 50.0  # so far from zero that nothing is clipped
    rates = same_rates(
        150, np.zeros((1, 1)), np.full((1, 2), basal), decay=decay, amplitude=amplitude
    )
    cells = IndependentCells(steps=seen_after)
    x = express(np.zeros((1, 1), dtype=np.bool_), rates, np.ones((2, 1)), 10, cells=cells).ravel()
    keeps = 1.0 - decay * DT
    variance = 2 * DT * amplitude**2 * basal * (1 - keeps ** (2 * seen_after)) / (1 - keeps**2)
    assert abs(x.mean() - basal / decay) < 4 * x.std() / np.sqrt(x.size)
    assert abs(x.var() / variance - 1.0) < 4 * np.sqrt(2.0 / x.size)


@pytest.mark.parametrize("lag", [1, 30, 100])
def test_a_trajectory_forgets_at_the_rate_of_decay(lag: int) -> None:
    rates = same_rates(500, np.zeros((1, 1)), np.full((1, 1), 80.0), amplitude=0.2)
    x = express(np.zeros((1, 1), dtype=np.bool_), rates, np.ones((2, 1)), 700)[:, 0, :, 0]
    late = x[..., 500:] - 100.0  # the mean is basal / decay
    first, second = late[..., 0].ravel(), late[..., lag].ravel()
    expected = (1.0 - 0.8 * DT) ** lag
    found = (first * second).mean() / np.sqrt((first**2).mean() * (second**2).mean())
    assert abs(found - expected) < 4 * (1 - expected**2) / np.sqrt(first.size)


def test_covariance_of_regulator_and_target_follows_the_linear_noise_approximation() -> None:
    strength, amplitude, decay, hill = 60.0, 0.05, 0.8, 2.1
    graph = np.triu(np.ones((3, 3), dtype=np.bool_), 1)
    graph[1, 2] = False  # gene 0 activates 1 and represses 2
    effect = np.zeros((3, 3))
    effect[0, 1], effect[0, 2] = strength, -strength
    rates = same_rates(
        240, effect, np.full((3, 1), 50.0), hill=hill, decay=decay, amplitude=amplitude
    )
    x = express(graph, rates, np.ones((2, 3)), 10, cells=IndependentCells(700))
    rows = x[:, :, :, 0].swapaxes(1, 3)  # (M, N, R, d): the half-response belongs to (M, R)
    centred = rows - rows.mean(axis=1, keepdims=True)
    covariance = np.einsum("mnri,mnrj->mrij", centred, centred) / 9
    mean, error = covariance.mean(axis=(0, 1)), covariance.std(axis=(0, 1)) / np.sqrt(480)
    variance = amplitude**2 * 50.0 / decay
    slope = strength * hill / (4 * 50.0 / decay)  # of the Hill function at its half-response
    assert_allclose(mean[0, 0], variance, rtol=0.01, atol=4 * error[0, 0])
    for target, sign in ((1, 1.0), (2, -1.0)):
        expected = sign * slope * variance / (2 * decay)
        assert_allclose(mean[0, target], expected, rtol=0.02, atol=4 * error[0, target])
        own = amplitude**2 * (strength / 2) / decay
        through = slope * abs(expected) / decay
        tolerance = 4 * error[target, target]
        assert_allclose(mean[target, target], own + through, rtol=0.02, atol=tolerance)


def chain(factors: list[float], half_response: HalfResponse, basal: list[float]) -> FloatArray:
    """Ends (R, d, C) of a quiet chain 0 -> 1 -| 2 whose gene 0 is perturbed by the factors."""
    graph = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=np.bool_)
    effect = np.array([[0.0, 3.0, 0.0], [0.0, 0.0, -2.0], [0.0, 0.0, 0.0]])
    all_basal = np.zeros((3, len(basal)))
    all_basal[0] = basal
    rates = same_rates(1, effect, all_basal, amplitude=QUIET)
    on_first = np.array([[factor, 1.0, 1.0] for factor in factors])
    x = express(graph, rates, on_first, 4, cells=IndependentCells(50), half_response=half_response)
    return x[0, ..., -1].swapaxes(0, 1)


def test_a_chain_of_one_cell_type_rests_at_half_of_what_it_can_produce() -> None:
    ends = chain([1.0, 0.25, 4.0], "per_condition", [0.6])
    assert_allclose(ends[0, :, 0], [0.6 / 0.8, 1.5 / 0.8, 1.0 / 0.8], rtol=1e-6)
    # the half-response follows the regulator, which hides what the perturbation did
    assert_allclose(ends[:, 1:], ends[:1, 1:].repeat(3, axis=0), rtol=1e-6)
    assert_allclose(ends[:, 0, 0], [0.6 / 0.8, 0.15 / 0.8, 2.4 / 0.8], rtol=1e-6)


def test_with_half_responses_of_the_wild_type_a_perturbation_moves_the_whole_chain() -> None:
    ends = chain([1.0, 0.25, 4.0], "wild_type", [0.6])
    share = np.array([1.0, 0.25, 4.0]) ** 2 / (1.0 + np.array([1.0, 0.25, 4.0]) ** 2)
    first = 3.0 * share / 0.8
    assert_allclose(ends[:, 1, 0], first, rtol=1e-6)
    assert_allclose(ends[:, 2, 0], 2.0 / 0.8 / (1.0 + (first / first[0]) ** 2), rtol=1e-6)


@pytest.mark.parametrize("half_response", ["per_condition", "wild_type"])
def test_without_its_regulator_a_target_loses_activation_and_gains_what_was_repressed(
    half_response: HalfResponse,
) -> None:
    ends = chain([1.0, 0.0], half_response, [0.6, 0.9])
    assert_array_equal(ends[1, :2], 0.0)
    assert_allclose(ends[1, 2], 2.0 / 0.8, rtol=1e-6)


def test_cell_types_differ_by_their_rates_around_a_common_half_response() -> None:
    ends = chain([1.0, 1.0], "per_condition", [0.3, 0.9])[0]
    level = np.array([0.3, 0.9])
    share = level**2 / (0.6**2 + level**2)
    assert_allclose(ends[1], 3.0 * share / 0.8, rtol=1e-6)


def test_knocked_out_genes_are_exactly_zero_in_every_cell_and_no_gene_is_negative() -> None:
    streams = model_streams(1, "train", 0, 33)
    graphs, _ = HubsAndLeaves().draw(streams, 7)
    factors = np.concatenate([np.ones((1, 7)), 1.0 - np.eye(7)])
    laws: Any = {"cells": TrajectoryCells(), "half_response": "per_condition", "noise": "dpd"}
    rates = Kinetics().draw(streams, 7, 2)
    x = expression(graphs, rates, np.broadcast_to(factors, (33, 8, 7)), streams, 5, **laws)
    knocked_out = np.stack([x[:, gene, 1 + gene] for gene in range(7)])
    assert_array_equal(knocked_out, 0.0)
    assert np.isfinite(x).all()
    assert (x >= 0.0).all()
    assert (x[:, :, 0] > 0.0).mean() > 0.8


def test_a_model_has_the_same_bits_among_deeper_and_with_other_conditions() -> None:
    streams = model_streams(2, "train", 0, 65)
    graphs, _ = HubsAndLeaves(another_hub=0.7, chained=0.8).draw(streams, 6)
    rates, factors = Kinetics().draw(streams, 6, 3), np.ones((65, 3, 6))
    factors[:, 1, 0], factors[:, 2, 1] = 0.0, 2.0
    laws: Any = {"cells": TrajectoryCells(), "half_response": "per_condition", "noise": "dpd"}
    together = expression(graphs, rates, factors, streams, 4, **laws)
    for model in (0, 7, 64):
        chosen = [model]
        parts = {name: value[chosen] for name, value in vars(rates).items()}
        own = replace(rates, **parts)
        alone = expression(graphs[chosen], own, factors[chosen, :2], streams[chosen], 4, **laws)
        assert_array_equal(alone[0], together[model, :, :2])
