import numpy as np
import pytest
from activa_core.data import pairs
from activa_core.errors import InputError
from numpy.typing import NDArray


class Asked:
    """Two models with two queries each, of a kind."""

    def __init__(self, kind: NDArray[np.str_] | None) -> None:
        self.kind = kind
        self.obs = np.zeros((2, 3, 2), dtype=np.float32)
        self.interv = np.zeros((2, 2, 3, 2), dtype=np.float32)
        self.targets = np.broadcast_to(np.eye(2, dtype=np.bool_), (2, 2, 2))
        self.values = np.broadcast_to(np.eye(2, dtype=np.float32), (2, 2, 2))


def test_queries_that_do_something_else_than_set_a_value_are_refused() -> None:
    kinds = np.array([["set", "shift"], ["random", "set"]])
    with pytest.raises(InputError, match="has queries of the kind random, shift; give those that"):
        pairs(Asked(kinds), standardised=False)
    for harmless in (None, np.full((2, 2), "set")):
        assert len(pairs(Asked(harmless), standardised=False)) == 4
