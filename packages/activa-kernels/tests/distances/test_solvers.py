from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from activa_kernels.distances import solvers, transport_cost


def has(*installed: str) -> Callable[[str], object | None]:
    return lambda name: object() if name in installed else None


def test_without_any_solver_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(solvers, "find_spec", has())
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    with pytest.raises(RuntimeError, match="pip install pot scipy"):
        transport_cost(np.ones((2, 2)))


def test_pot_alone_solves_an_assignment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    cost = np.random.default_rng(0).random((3, 9, 9))
    by_both = transport_cost(cost)
    monkeypatch.setattr(solvers, "find_spec", has("ot"))
    np.testing.assert_allclose(transport_cost(cost), by_both, rtol=1e-12)


def test_a_search_that_was_cut_short_names_its_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    cost = rng.random((2, 3, 30, 20))
    cost[0] = cost[1, :2] = np.nan  # only the last pair is solved
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    monkeypatch.setattr(solvers, "ITERATIONS", 3)
    with pytest.raises(RuntimeError, match=r"did not converge for pair \(1, 2\)"):
        transport_cost(cost, rng.dirichlet(np.ones(30)), rng.dirichlet(np.ones(20)))
