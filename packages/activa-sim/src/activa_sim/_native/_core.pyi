# `isa` is one of `instruction_sets()`, best last; results do not depend on it, nor on `threads`.
# The word arrays are one-dimensional, of one length, contiguous.

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
