# `isa` is one of `instruction_sets()`, best last; results do not depend on it, nor on `threads`.
# The word arrays are one-dimensional, of one length, contiguous.

from typing import Any

import numpy as np
from numpy.typing import NDArray

def instruction_sets() -> list[str]: ...
def words(
    key: int,
    word1: NDArray[np.uint64],
    word2: NDArray[np.uint64],
    word3: NDArray[np.uint64],
    n: int,
    isa: str,
    threads: int,
) -> NDArray[np.uint32]: ...
def normals(
    key: int,
    word1: NDArray[np.uint64],
    word2: NDArray[np.uint64],
    word3: NDArray[np.uint64],
    n: int,
    isa: str,
    threads: int,
) -> NDArray[np.float64]: ...
def gammas(
    key: int,
    word1: NDArray[np.uint64],
    word2: NDArray[np.uint64],
    word3: NDArray[np.uint64],
    concentration: NDArray[np.float64],
    n: int,
    isa: str,
    threads: int,
) -> NDArray[np.float64]: ...
def expression(
    key: int,
    words: list[NDArray[np.uint64]],
    graphs: NDArray[np.bool_],
    activates: NDArray[np.bool_],
    strength: NDArray[np.float64],
    basal: NDArray[np.float64],
    scalars: list[NDArray[np.float64]],
    factors: NDArray[np.float64],
    points: NDArray[np.int64],
    ages: NDArray[np.int64] | None,
    cells: int,
    window: int,
    paths: int,
    shuffled: bool,
    wild_type: bool,
    kicks: str,
    out: list[NDArray[np.float32]],
    isa: str,
    threads: int,
) -> None: ...
def rates(
    key: int,
    word1: NDArray[np.uint64],
    word2: NDArray[np.uint64],
    d: int,
    cell_types: int,
    ranges: tuple[tuple[float, float], ...],
    choices: tuple[tuple[float, ...], ...],
    isa: str,
    threads: int,
) -> tuple[NDArray[Any], ...]: ...
def modules(
    networks: list[tuple[NDArray[np.int64], ...]],
    best_share: float,
    regulators: int,
    key: int,
    word1: NDArray[np.uint64],
    word2: NDArray[np.uint64],
    d: int,
    isa: str,
    threads: int,
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]: ...
def counts(
    key: int,
    words: list[NDArray[np.uint64]],
    noise: tuple[float, float, float],
    choices: NDArray[np.float64],
    cells: NDArray[np.float32],
    counts: NDArray[np.float32],
    isa: str,
    threads: int,
) -> None: ...
def linear(
    key: int,
    word1: NDArray[np.uint64],
    word2: NDArray[np.uint64],
    edge_below: int,
    weights: tuple[float, float],
    beta: bool,
    noise: tuple[float, float],
    query: tuple[float, float],
    obs: NDArray[np.float32],
    interv: NDArray[np.float32],
    interv_replicate: NDArray[np.float32] | None,
    values: NDArray[np.float32],
    graphs: NDArray[np.bool_],
    targets: NDArray[np.bool_],
    isa: str,
    threads: int,
) -> None: ...
