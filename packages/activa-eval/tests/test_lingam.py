import numpy as np
import pytest
from activa_eval import lingam
from activa_eval.lingam import lingam_order
from numpy.testing import assert_array_equal

WEIGHTS = np.array([[0, 0, 0, 0], [1.5, 0, 0, 0], [0, -1.2, 0, 0], [0.8, 0, 0, 0]])  # 2>1>0<3


def draw(n: int, *, seed: int = 0) -> np.ndarray:
    """Rows of V = V WEIGHTS + uniform noise, whose variances hide the order."""
    noise = np.random.default_rng(seed).uniform(-1, 1, (n, 4)) * [1.0, 2.0, 4.0, 6.0]
    return 3.0 + noise @ np.linalg.inv(np.eye(4) - WEIGHTS)


def order_by_loops(rows: np.ndarray) -> list[int]:
    """DirectLiNGAM as its authors write it, one pair at a time."""

    def entropy(u: np.ndarray) -> float:
        return float(
            (1 + np.log(2 * np.pi)) / 2
            - 79.047 * (np.mean(np.log(np.cosh(u))) - 0.37457) ** 2
            - 7.4129 * np.mean(u * np.exp(-(u**2) / 2)) ** 2
        )

    def unit(u: np.ndarray) -> np.ndarray:
        return np.asarray((u - u.mean()) / u.std())

    def rest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(a - np.cov(a, b, bias=True)[0, 1] / b.var() * b)

    columns = {j: rows[:, j] for j in range(rows.shape[1])}
    order = []
    while columns:
        cost = {}
        for i, a in columns.items():
            cost[i] = 0.0
            for j, b in columns.items():
                if i != j:
                    x, y = unit(a), unit(b)
                    forwards = entropy(x) + entropy(unit(rest(y, x)))
                    backwards = entropy(y) + entropy(unit(rest(x, y)))
                    cost[i] += min(0.0, backwards - forwards) ** 2
        first = min(cost, key=lambda i: cost[i])
        order.append(first)
        root = columns.pop(first)
        columns = {j: rest(column, root) for j, column in columns.items()}
    return order


@pytest.mark.parametrize(("n", "d"), [(5, 2), (40, 2), (65, 5), (30, 8)])
def test_the_order_is_that_of_the_pairwise_loops(n: int, d: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(3):
        rows = rng.gamma(2.0, size=(n, d)) @ np.triu(rng.normal(size=(d, d)), 0)
        assert_array_equal(lingam_order(rows), order_by_loops(rows))


def test_many_rows_of_uniform_noise_put_parents_first() -> None:
    place = np.argsort(lingam_order(draw(5000)))
    assert place[2] < place[1] < place[0]
    assert place[3] < place[0]


def test_units_do_not_change_the_order() -> None:
    rows = draw(65)
    assert_array_equal(lingam_order(rows), lingam_order(rows * [1e-6, 1.0, 1e6, 3.0] + 7.0))


@pytest.mark.parametrize(
    ("columns", "last"),
    [
        (lambda a, b: [np.full_like(a, 0.1), a, b], 0),
        (lambda a, b: [a, 2 * a, b], None),
    ],
    ids=["constant", "twice-the-same"],
)
def test_a_column_without_noise_of_its_own_still_gets_a_place(columns, last) -> None:  # type: ignore[no-untyped-def]
    a, b = np.random.default_rng(0).uniform(size=(2, 40))
    order = lingam_order(np.stack(columns(a, b), axis=1))
    assert sorted(order) == [0, 1, 2]
    assert last is None or order[-1] == last


def test_the_query_cuts_the_arrows_into_its_target() -> None:
    rows = lingam(draw(5000), np.arange(4) == 0, np.array([9.0, *[np.nan] * 3]), 0).sample(5000, 1)
    assert (rows[:, 0] == 9.0).all()
    assert np.abs(rows[:, 1:].mean(axis=0) - draw(5000).mean(axis=0)[1:]).max() < 0.2
