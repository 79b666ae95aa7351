import numpy as np
from activa_eval.pairwise import distances_between
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist


def test_distances_are_those_of_scipy_for_each_pair() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((3, 7, 5)), rng.standard_normal((3, 4, 5))
    expected = np.stack([cdist(u, v) for u, v in zip(x, y, strict=True)])
    assert_allclose(distances_between(x, y), expected, rtol=1e-13)
