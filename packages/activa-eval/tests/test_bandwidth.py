"""MMD with kernels other than one Gaussian."""

from typing import Any

import numpy as np
import pytest
from activa_eval import InputError, mmd
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist


def draw() -> Any:
    """Two samples with weights."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((9, 2)), 0.5 + rng.exponential(size=(7, 2))
    return x, y, {"a": rng.dirichlet(np.ones(9)), "b": rng.dirichlet(np.ones(7))}


def gaussian(u: Any, v: Any, s: float = 0.7) -> Any:
    return np.exp(-np.square(u[:, :, None] - v[:, None]).sum(axis=-1) / (2 * s**2))


@pytest.mark.parametrize("biased", [True, False])
def test_a_kernel_of_ones_own_takes_the_place_of_the_gaussian(biased: bool) -> None:
    x, y, weights = draw()
    options = {"biased": biased, "squared": True, **weights}
    got = mmd(np.stack([x, x + 1]), y, kernel=gaussian, **options)
    assert_allclose(got, mmd(np.stack([x, x + 1]), y, bandwidth=0.7, **options), rtol=1e-10)


def test_the_unbiased_mmd_of_a_kernel_drops_its_own_diagonal() -> None:
    def linear(u: Any, v: Any) -> Any:  # whose diagonal is not one
        return u @ v.swapaxes(-1, -2)

    x, y = np.random.default_rng(0).standard_normal((2, 4000, 5, 2))
    got = mmd(x, y, kernel=linear, biased=False, squared=True)
    assert abs(got.mean()) < 4 * got.std() / np.sqrt(len(got))


def test_several_bandwidths_average_their_kernels() -> None:
    x, y, weights = draw()
    squares = [mmd(x, y, bandwidth=s, squared=True, **weights) for s in (0.5, 1.0, 4.0)]
    listed = mmd(x, y, bandwidth=[0.5, 1.0, 4.0], squared=True, **weights)
    assert_allclose(listed, np.mean(squares), rtol=1e-12)
    multiples = mmd(x, y, bandwidth=2.0, multiples=(0.25, 0.5, 2.0), squared=True, **weights)
    assert_allclose(multiples, listed, rtol=1e-12)
    pooled = np.concatenate([x, y])
    s = np.median(cdist(pooled, pooled)[np.triu_indices(16, k=1)])
    assert_allclose(mmd(x, y, multiples=[0.5, 2]), mmd(x, y, bandwidth=[s / 2, 2 * s]), rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": gaussian, "bandwidth": 1.0}, "leave one of them out"),
        ({"kernel": gaussian, "multiples": [0.5, 1.0]}, "leave one of them out"),
        ({"kernel": lambda u, v: gaussian(u, v)[:, 0]}, r"has shape \(1, 3\); return \(1, 3, 3\)"),
        ({"bandwidth": []}, "give a number, or a list"),
        ({"bandwidth": [[1.0]]}, "give a number, or a list"),
        ({"multiples": [1.0, 0.0]}, "multiples 0.0 is not a positive number"),
        ({"bandwidth": [1.0, np.inf]}, "bandwidth inf is not a positive number"),
    ],
    ids=["kernel", "multiples", "shape", "empty", "matrix", "zero", "infinite"],
)
def test_a_kernel_that_means_nothing_is_refused(options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        mmd(np.zeros((3, 2)), np.ones((3, 2)), **options)
