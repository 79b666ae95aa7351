import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from activa_eval import (
    InputError,
    energy_distance,
    energy_distance_blocks,
    mmd,
    mmd_blocks,
    sliced_wasserstein,
)


def draw(n: int, m: int, shift: float = 0.5, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 2)), rng.standard_normal((m, 2)) + shift


@pytest.mark.parametrize(
    ("blocks", "exact"),
    [
        (energy_distance_blocks, lambda x, y: energy_distance(x, y, biased=False)),
        (
            lambda *xy, **options: mmd_blocks(*xy, bandwidth=1.0, **options),
            lambda x, y: mmd(x, y, bandwidth=1.0, biased=False, squared=True),
        ),
    ],
    ids=["energy", "mmd"],
)
def test_the_estimate_is_unbiased_and_knows_its_error(blocks: Any, exact: Any) -> None:
    x, y = draw(600, 500)
    found = [blocks(x, y, block=25, seed=seed) for seed in range(40)]
    assert found[0].n_blocks == 20
    values = np.array([f.value for f in found])
    assert abs(values.mean() - exact(x, y)) < 4 * values.std() / np.sqrt(40)
    # seeds share the rows, so that values spread less among them than samples would
    assert values.std() < 1.3 * np.mean([f.standard_error for f in found])


def test_where_laws_differ_blocks_are_as_sure_as_all_pairs_of_rows() -> None:
    exact = [energy_distance(*draw(400, 400, 2.0, seed), biased=False) for seed in range(60)]
    blocks = [energy_distance_blocks(*draw(400, 400, 2.0, s), block=20).value for s in range(60)]
    assert np.std(blocks) < 1.5 * np.std(exact)


def test_a_memory_map_is_read_block_by_block(tmp_path: Path) -> None:
    x, y = draw(50_000, 50_000)
    np.save(tmp_path / "x.npy", x)
    stored = np.load(tmp_path / "x.npy", mmap_mode="r")
    plain = energy_distance_blocks(x, y, block=50, n_blocks=4)
    tracemalloc.start()
    mapped = energy_distance_blocks(stored, y, block=50, n_blocks=4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert mapped == plain
    assert peak < 2 * 8 * 50_000 + 2**20  # the two orders of rows, not the 50,000^2 distances


def test_memory_of_exact_distances_does_not_grow_with_the_pairs_of_rows() -> None:
    x, y = draw(4000, 3000)  # 96 MB for each matrix of distances
    for distance in (energy_distance, lambda x, y: mmd(x, y, bandwidth=1.0), sliced_wasserstein):
        tracemalloc.start()
        distance(x, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 30 * 2**20


def test_the_first_block_gives_a_median_for_all() -> None:
    x, y = draw(300, 300)
    by_median = mmd_blocks(x, y, block=50)
    assert 0.5 < by_median.value / mmd(x, y, biased=False, squared=True) < 2.0
    assert by_median == mmd_blocks(x, y, block=50)
    assert by_median != mmd_blocks(x, y, block=50, seed=1)


def test_a_row_that_is_not_finite_makes_the_estimate_nan() -> None:
    x, y = draw(100, 100)
    x[3] = np.nan
    assert np.isnan(energy_distance_blocks(x, y, block=10).value)
    assert np.isnan(mmd_blocks(x, y, block=10, bandwidth=1.0).value)


def test_tensors_are_read_too() -> None:
    torch = pytest.importorskip("torch")
    x, y = draw(100, 100)
    got = energy_distance_blocks(torch.tensor(x), torch.tensor(y), block=10)
    assert got == energy_distance_blocks(x, y, block=10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: energy_distance_blocks(x, x), "100 rows fill 0 blocks of 2000"),
        (lambda x: energy_distance_blocks(x, x, block=60), "give 2 to 1|smaller block"),
        (lambda x: energy_distance_blocks(x, x, block=10, n_blocks=11), "give 2 to 10 blocks"),
        (lambda x: energy_distance_blocks(x, x, block=1), "block is 1; give at least 2"),
        (lambda x: energy_distance_blocks(x[0], x), r"x has shape \(2,\)"),
        (lambda x: energy_distance_blocks(x, x.tolist()), r"y has shape \(\)"),
        (lambda x: energy_distance_blocks(x, x[:, :1], block=10), "x has 2 columns, y has 1"),
        (lambda x: mmd_blocks(0 * x, 0 * x, block=10), "have no scale"),
        (lambda x: mmd_blocks(x, x, block=10, bandwidth="mean"), "is unknown"),
    ],
    ids=["few", "one", "many", "block", "axes", "list", "columns", "scale", "bandwidth"],
)
def test_what_cannot_be_estimated_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(np.zeros((100, 2)) + np.arange(100)[:, None])
