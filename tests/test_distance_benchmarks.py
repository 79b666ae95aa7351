"""What the distances are compared with are the same numbers."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Import the peers from benchmarks/."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield import_module("distance_peers")
    sys.modules.pop("distance_peers")


@pytest.mark.parametrize("name", ["PyTorch", "SciPy", "POT", "NumPy", "dcor", "scikit-learn"])
def test_every_package_computes_what_we_compute(peers: Any, name: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 7, 3)), rng.normal(0.5, 1, size=(2, 7, 3))
    narrow = x.astype(np.float32), y.astype(np.float32)
    try:
        _, theirs = peers.OF[name]()
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    _, ours = peers.OF["activa"]()
    for what in theirs.keys() - {"energy test"}:  # which draws its own permutations
        np.testing.assert_allclose(theirs[what](*narrow), ours[what](*narrow), rtol=1e-4)
    if name == "NumPy":  # but draws ours where it is ours by hand
        p_values = ours["energy test"](*narrow).p_value
        np.testing.assert_allclose(theirs["energy test"](*narrow), p_values)
