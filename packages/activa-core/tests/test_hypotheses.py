"""The uncertainty about the mean, on numbers small enough to check by eye."""

import numpy as np
import pytest
import torch
from activa_core.hypotheses import Hypotheses, hypotheses
from activa_core.mixture import GaussianMixture


def mixture_of(weights: list[float], means: list[float]) -> GaussianMixture:
    column = torch.tensor(means, dtype=torch.float64).unsqueeze(-1)
    log_weights = torch.tensor(weights, dtype=torch.float64).log()
    return GaussianMixture(log_weights, column, torch.zeros_like(column)[..., None], column**0)


def test_components_of_one_draw_are_one_hypothesis_with_the_mean_of_its_law() -> None:
    mixture = mixture_of([0.3, 0.2, 0.1, 0.4], [0.0, 10.0, 8.0, 3.0])
    found = hypotheses(mixture, torch.tensor([0, 0, 1, 1]))
    np.testing.assert_allclose(found.weights, [0.5, 0.5])
    np.testing.assert_allclose(found.means, [[4.0], [4.0]])


def test_a_draw_that_conditioning_has_ruled_out_is_no_hypothesis() -> None:
    found = hypotheses(mixture_of([0.0, 1.0], [5.0, 7.0]), torch.tensor([0, 1]))
    np.testing.assert_array_equal(found.means, [[7.0]])


@pytest.mark.parametrize(
    ("q", "mean"), [(0.1, 1.0), (0.2, 1.0), (0.21, 2.0), (0.5, 2.0), (0.51, 3.0), (0.99, 3.0)]
)
def test_a_quantile_is_the_first_mean_at_which_the_weights_reach_it(q: float, mean: float) -> None:
    unordered = Hypotheses(np.array([0.5, 0.2, 0.3]), np.array([[3.0, -1], [1, -2], [2, -3]]))
    assert unordered.quantile(q)[0] == mean


def test_each_column_has_its_own_order() -> None:
    two = Hypotheses(np.array([0.5, 0.5]), np.array([[1.0, 20.0], [2.0, 10.0]]))
    np.testing.assert_array_equal(two.quantile(0.05), [1.0, 10.0])
    np.testing.assert_array_equal(two.quantile(0.95), [2.0, 20.0])


def test_rounding_of_equal_weights_moves_no_quantile() -> None:
    fifty = Hypotheses(np.full(50, 1 / 50), np.arange(50.0)[:, None])
    for rank in range(1, 51):
        assert fifty.quantile(rank / 50)[0] == rank - 1


def test_beyond_counts_the_weight_further_than_the_distance_on_either_side() -> None:
    three = Hypotheses(np.array([0.2, 0.3, 0.5]), np.array([[-2.0], [0.5], [1.5]]))
    assert three.beyond(np.array([0.0]), np.array([1.0])) == pytest.approx([0.7])
    assert three.beyond(np.array([0.0]), np.array([1.5])) == pytest.approx([0.2])
    assert three.beyond(np.array([0.0]), np.array([0.0])) == pytest.approx([1.0])
