"""How each package computes the distances of P pairs of samples: batched where it can, else in a loop.

A function returns the version and the functions of a package, imported only where it is asked for.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]  # (P, n, d)
Compute = Callable[[Rows, Rows], Any]
Found = tuple[str, dict[str, Compute]]
PERMUTATIONS = 100


def activa() -> Found:
    """Ours, by the functions that a user calls."""
    import activa_eval as ours
    from activa_kernels import backend

    return f"({backend().instruction_set})", {
        "energy": ours.energy_distance,
        "mmd": ours.mmd,
        "wasserstein": ours.wasserstein,
        "energy test": lambda x, y: ours.energy_test(x, y, n_permutations=PERMUTATIONS, seed=0),
    }


def pytorch() -> Found:
    """Batched `cdist`."""
    import torch

    torch.set_num_threads(1)

    def energy(x: Rows, y: Rows) -> Any:
        first, second = torch.from_numpy(x), torch.from_numpy(y)
        between, within = torch.cdist(first, second), torch.cdist(first, first)
        return (2 * between - within - torch.cdist(second, second)).mean(dim=(1, 2))

    def mmd(x: Rows, y: Rows) -> Any:
        pooled = torch.cat([torch.from_numpy(x), torch.from_numpy(y)], dim=1)
        n, N = x.shape[1], pooled.shape[1]
        distances = torch.cdist(pooled, pooled)
        rows, columns = torch.triu_indices(N, N, offset=1)
        pairs = distances[:, rows, columns]
        width = pairs.kthvalue(pairs.shape[1] // 2 + 1, dim=1).values  # near enough for a time
        kernel = torch.exp(-0.5 * (distances / width[:, None, None]) ** 2)
        within = kernel[:, :n, :n].mean(dim=(1, 2)) + kernel[:, n:, n:].mean(dim=(1, 2))
        return (within - 2 * kernel[:, :n, n:].mean(dim=(1, 2))).clamp(min=0).sqrt()

    return str(torch.__version__), {"energy": energy, "mmd": mmd}


def scipy() -> Found:
    """`cdist` and `linear_sum_assignment`, a pair at a time."""
    from scipy import __version__
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist, pdist

    def energy(x: Rows, y: Rows) -> float:
        within = (pdist(x).sum() / len(x) ** 2 + pdist(y).sum() / len(y) ** 2) * 2
        return float(2 * cdist(x, y).mean() - within)

    def wasserstein(x: Rows, y: Rows) -> float:
        cost = cdist(x, y)
        return float(cost[linear_sum_assignment(cost)].mean())

    return __version__, {"energy": _each(energy), "wasserstein": _each(wasserstein)}


def pot() -> Found:
    """`emd2` without an iteration limit that counts."""
    import ot
    from scipy.spatial.distance import cdist

    def wasserstein(x: Rows, y: Rows) -> float:
        return float(ot.emd2([], [], cdist(x, y), numItermax=10**8))

    return ot.__version__, {"wasserstein": _each(wasserstein)}


def dcor() -> Found:
    """`energy_distance` and its test."""
    import dcor as package
    from dcor.homogeneity import energy_test

    return package.__version__, {
        "energy": _each(package.energy_distance),
        "energy test": _each(
            lambda x, y: energy_test(x, y, num_resamples=PERMUTATIONS, random_state=0)
        ),
    }


def hyppo() -> Found:
    """`Energy`, which takes float64 only."""
    import hyppo as package
    from hyppo.ksample import Energy

    def energy(x: Rows, y: Rows) -> Any:
        return Energy().statistic(x.astype(np.float64), y.astype(np.float64))

    def energy_test(x: Rows, y: Rows) -> Any:
        wide = x.astype(np.float64), y.astype(np.float64)
        return Energy().test(*wide, reps=PERMUTATIONS, workers=1, auto=False)

    return package.__version__, {"energy": _each(energy), "energy test": _each(energy_test)}


def scikit_learn() -> Found:
    """`euclidean_distances` and `rbf_kernel`."""
    from sklearn import __version__
    from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel

    def mmd(x: Rows, y: Rows) -> float:
        pooled, n = np.concatenate([x, y]), len(x)
        distances = euclidean_distances(pooled)
        width = float(np.median(distances[np.triu_indices(len(pooled), k=1)]))
        kernel = rbf_kernel(pooled, gamma=0.5 / width**2)
        square = kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
        return float(np.sqrt(max(square, 0.0)))

    return __version__, {"mmd": _each(mmd)}


def numpy() -> Found:
    """Batched by hand; the test as one matrix product a pair."""

    def distances(x: Rows) -> Any:
        return np.sqrt(((x[:, :, None] - x[:, None]) ** 2).sum(axis=-1))

    def mmd(x: Rows, y: Rows) -> Any:
        pooled, n = np.concatenate([x, y], axis=1), x.shape[1]
        apart = distances(pooled)
        rows, columns = np.triu_indices(pooled.shape[1], k=1)
        width = np.median(apart[:, rows, columns], axis=1)
        kernel = np.exp(-0.5 * (apart / width[:, None, None]) ** 2)
        within = kernel[:, :n, :n].mean(axis=(1, 2)) + kernel[:, n:, n:].mean(axis=(1, 2))
        return np.sqrt(np.maximum(within - 2 * kernel[:, :n, n:].mean(axis=(1, 2)), 0.0))

    def energy_test(x: Rows, y: Rows) -> Any:
        n, m = x.shape[1], y.shape[1]
        signs = np.tile(np.repeat([1 / n, -1 / m], [n, m]), (PERMUTATIONS + 1, 1))
        signs[1:] = np.random.default_rng(0).permuted(signs[1:], axis=1)
        apart = distances(np.concatenate([x, y], axis=1)).astype(np.float64)
        found = -((signs @ apart) * signs).sum(axis=2)
        return (1 + (found[:, 1:] >= found[:, :1] - 1e-12).sum(axis=1)) / (PERMUTATIONS + 1)

    return np.__version__, {"mmd": mmd, "energy test": energy_test}


def _each(compute: Callable[[Rows, Rows], Any]) -> Compute:
    return lambda x, y: [compute(first, second) for first, second in zip(x, y, strict=True)]


OF: dict[str, Callable[[], Found]] = {
    "activa": activa,
    "PyTorch": pytorch,
    "SciPy": scipy,
    "POT": pot,
    "dcor": dcor,
    "hyppo": hyppo,
    "scikit-learn": scikit_learn,
    "NumPy": numpy,
}
