import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.mechanisms import (
    AssortedMechanism,
    FourierMechanism,
    LinearMechanism,
    PostNonlinear,
)
from activa_sim.mechanisms.post_nonlinear import LINKS
from activa_sim.rng import Site, model_streams
from numpy.testing import assert_allclose, assert_array_equal

M = 200
STREAMS = model_streams(4, "train", 0, M)
PAIRS = np.broadcast_to(np.array([[False, True], [False, False]]), (M, 2, 2))
X = STREAMS.at(Site.NOISE, range(2)).normal(300)


@pytest.mark.parametrize("name", sorted(LINKS))
def test_links_rise_everywhere(name: str) -> None:
    x = np.linspace(-4, 4, 4001)
    for u in (0.0, 0.3, 1.0):
        assert (np.diff(LINKS[name](x, np.array(u))) > 0.0).all()


@pytest.mark.parametrize("name", sorted(LINKS))
def test_the_order_of_the_rows_is_that_of_the_mechanism_within(name: str) -> None:
    within = AssortedMechanism()
    bent = PostNonlinear(within, (name,)).draw(STREAMS, PAIRS).child(1, X, X[:, 1])
    straight = within.draw(STREAMS, PAIRS).child(1, X, X[:, 1])
    assert_array_equal(bent.argsort(axis=1), straight.argsort(axis=1))
    assert_allclose(bent[:, :128].std(axis=1), 1.0)
    assert np.abs(np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(bent, straight)])).min() < 0.995  # noqa: B905 # fmt: skip


def test_links_are_equally_likely_and_roots_stay_as_they_are() -> None:
    drawn = PostNonlinear().draw(STREAMS, PAIRS)
    counts = [(drawn.links[:, 1] == name).sum() for name in LINKS]  # type: ignore[attr-defined]
    assert sum(counts) == M
    assert min(counts) > M / len(LINKS) - 4 * np.sqrt(M / len(LINKS))
    assert_array_equal(drawn.child(0, X, X[:, 0]), X[:, 0])


def test_calibrates_as_long_as_the_neediest_part() -> None:
    for own, within, both in ((50, 200, 200), (200, 50, 200)):
        law = PostNonlinear(FourierMechanism(calibration=within), calibration=own)
        assert law.draw(STREAMS, PAIRS).calibration == both
    assert PostNonlinear(LinearMechanism(), calibration=50).draw(STREAMS, PAIRS).calibration == 50


def test_refuses_links_that_are_not_known() -> None:
    with pytest.raises(InputError, match='unknown link "cube"; choose from power, tanh'):
        PostNonlinear(links=("cube",))
    with pytest.raises(InputError, match="calibration is 0; give at least 2 rows"):
        PostNonlinear(calibration=0)
