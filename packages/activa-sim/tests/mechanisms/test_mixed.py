import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.mechanisms import (
    FourierMechanism,
    Heteroscedastic,
    LinearMechanism,
    MechanismLaw,
    MixedMechanism,
    PostNonlinear,
    TreeMechanism,
)
from activa_sim.rng import Site, model_streams
from numpy.testing import assert_array_equal

M = 500
STREAMS = model_streams(4, "train", 0, M)
EDGES = np.broadcast_to(np.triu(np.ones((3, 3), dtype=np.bool_), 1), (M, 3, 3))
X = STREAMS.at(Site.NOISE, range(3)).normal(300)
LAWS: tuple[MechanismLaw, ...] = (
    FourierMechanism(),
    PostNonlinear(Heteroscedastic(TreeMechanism())),
    LinearMechanism(),
)


def test_each_variable_follows_the_law_that_it_drew() -> None:
    drawn = MixedMechanism(LAWS).draw(STREAMS, EDGES)
    child = drawn.child(2, X, X[:, 2])
    names = drawn.families[:, 0, 2]
    for law, name in zip(LAWS, ("random_fourier", "tree", "linear"), strict=True):
        alone = law.draw(STREAMS, EDGES).child(2, X, X[:, 2])
        assert_array_equal(child[names == name], alone[names == name])
    assert_array_equal(drawn.families[:, 1, 2], names)  # one law for all of its causes
    assert (drawn.families[:, 0, 1] != names).mean() > 0.5  # another for other variables


def test_laws_have_the_shares_asked_for() -> None:
    names = MixedMechanism(LAWS, (1, 0, 4)).draw(STREAMS, EDGES).families[:, 0, 1:]
    assert abs((names == "linear").mean() - 0.8) < 4 * np.sqrt(0.16 / names[..., 0].size)
    assert not (names == "tree").any()


def test_mixtures_may_hold_mixtures_and_calibrate_as_long_as_their_neediest_part() -> None:
    law = MixedMechanism((MixedMechanism((FourierMechanism(calibration=200),)), LinearMechanism()))
    drawn = law.draw(STREAMS, EDGES)
    assert drawn.calibration == 200
    assert np.isfinite(drawn.child(2, X, X[:, 2])).all()


def test_refuses_shares_that_do_not_belong_to_the_laws() -> None:
    with pytest.raises(InputError, match="no law was given; give at least one"):
        MixedMechanism(())
    for shares in ((1.0,), (1.0, -1.0, 1.0), (0.0, 0.0, 0.0), (np.inf, 1.0, 1.0)):
        with pytest.raises(InputError, match="give 3 numbers of 0 or more, not all 0"):
            MixedMechanism(LAWS, shares)
