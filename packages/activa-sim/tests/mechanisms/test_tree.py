import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.mechanisms import TreeMechanism
from activa_sim.rng import Site, model_streams
from numpy.testing import assert_array_equal

M = 300
STREAMS = model_streams(4, "train", 0, M)
GRAPHS = np.zeros((M, 4, 4), dtype=np.bool_)
GRAPHS[:, [0, 2], 3] = True  # two causes, with a variable between them


def test_a_threshold_has_two_values_and_changes_where_it_was_drawn() -> None:
    function = TreeMechanism(depth=1).function(STREAMS, GRAPHS)
    x = np.broadcast_to(np.linspace(-3, 3, 601), (M, 3, 601))
    signal = function.signal(3, x)
    where = 2.0 * STREAMS.at(Site.MECHANISM, range(4), range(1)).uniform(2)[:, 3, 0, 1] - 1.0
    leaves = STREAMS.at(Site.MECHANISM, range(4), range(1)).branch(1).normal(2)[:, 3, 0]
    expected = np.where(x[:, 0] > where[:, None], leaves[:, 1:], leaves[:, :1])
    assert_array_equal(signal, expected)


def test_trees_have_as_many_values_as_their_questions_make() -> None:
    x = np.random.default_rng(0).normal(size=(M, 3, 2000))
    one = TreeMechanism(depth=3).function(STREAMS, GRAPHS).signal(3, x)
    counts = [len(np.unique(row)) for row in one]
    assert set(counts) >= {4, 6}  # parts by three questions of one cause, or two and one
    assert max(counts) == 6
    two = TreeMechanism(depth=3, trees=2).function(STREAMS, GRAPHS).signal(3, x[..., :200])
    assert max(len(np.unique(row)) for row in two) > 8


def test_causes_are_asked_equally_often() -> None:
    asked = TreeMechanism(depth=1).function(STREAMS, GRAPHS).causes[:, 3, 0, 0]  # type: ignore[attr-defined]
    assert set(asked) == {0, 2}
    assert abs((asked == 0).mean() - 0.5) < 4 * np.sqrt(0.25 / M)


def test_refuses_what_is_no_tree() -> None:
    with pytest.raises(InputError, match="depth is 0; give 1 to 10 levels"):
        TreeMechanism(depth=0)
    with pytest.raises(InputError, match="trees is 0; give at least 1"):
        TreeMechanism(trees=0)
