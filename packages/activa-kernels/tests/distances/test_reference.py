from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from activa_kernels.distances import reference


def has(*installed: str) -> Callable[[str], object | None]:
    return lambda name: object() if name in installed else None


def test_without_any_solver_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reference, "find_spec", has())
    with pytest.raises(RuntimeError, match="pip install pot scipy"):
        reference.transport_cost(np.ones((1, 2, 2)), np.full((1, 2), 0.5), np.full((1, 2), 0.5))


def test_pot_alone_solves_an_assignment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    cost, even = np.random.default_rng(0).random((3, 9, 9)), np.full((3, 9), 1 / 9)
    by_both = reference.transport_cost(cost, even, even)
    monkeypatch.setattr(reference, "find_spec", has("ot"))
    np.testing.assert_allclose(reference.transport_cost(cost, even, even), by_both, rtol=1e-12)


def test_a_search_that_was_cut_short_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.dirichlet(np.ones(30), size=1), rng.dirichlet(np.ones(20), size=1)
    monkeypatch.setattr(reference, "ITERATIONS", 3)
    with pytest.raises(RuntimeError, match="did not converge"):
        reference.transport_cost(rng.random((1, 30, 20)), a, b)
