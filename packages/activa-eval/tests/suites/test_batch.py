import numpy as np
from activa_eval import compare, no_change, oracle, score
from activa_eval.suites.batch import KnownEffects, Problem, beside
from numpy.testing import assert_array_equal


def problem(rng: np.random.Generator, graph: np.ndarray | None) -> Problem:
    truth = rng.standard_normal((4, 7, 2))
    truth[..., 0] = 3.0
    return Problem(
        obs=rng.standard_normal((7, 2)),
        interv=truth[:2],
        interv_replicate=truth[2:],
        values=np.array([[3.0, np.nan], [3.0, np.nan]]),
        graph=graph,
    )


def batch(seed: int, graph: np.ndarray | None = None) -> KnownEffects:
    rng = np.random.default_rng(seed)
    return KnownEffects.stack(
        [problem(rng, graph) for _ in range(5)], {"kind": ["a", "b"] * 2 + ["a"]}
    )


def test_problems_become_a_batch_that_can_be_scored() -> None:
    scores = score(no_change, batch(0))
    assert scores.mmd.shape == (5, 2)
    assert scores.has_effect is None
    assert_array_equal(scores.labels["kind"], ["a", "b", "a", "b", "a"])
    assert np.isfinite(score(oracle, batch(0)).energy_distance).all()


def test_repetitions_count_as_further_queries_of_the_same_models() -> None:
    graph = np.array([[False, True], [False, False]])
    parts = [score(no_change, batch(seed, graph)) for seed in range(3)]
    joined = beside(parts)
    assert joined.mmd.shape == (5, 6)
    assert joined.coverage is not None
    assert joined.coverage.shape[:2] == (5, 6)
    assert_array_equal(joined.energy_distance[:, 2:4], parts[1].energy_distance)
    rows = [row for row in compare({"no_change": joined}) if row.metric == "nll"]
    assert rows[0].models == 5
