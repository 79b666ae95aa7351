"""What the simulators are compared with: other packages, and what one writes in NumPy by hand.

Each function draws the first models of a case once more; what it does per model is what a user of
the package would write. Graphs of gene regulation are given, as the others read them from files.
"""

import importlib.util
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[Any]
D, ROWS, VALUE = 8, 30, 5.0  # of the case gauss-8
EDGE = 6.86 / 28  # as many edges as the paper's law has, which takes more work than an order
TYPES, CELLS = 5, 6  # 30 cells of the case sergio, as six of each type


def by_hand(models: int) -> Callable[[], object]:
    """Draw linear models as a batch: graphs by order, weights, nine regimes, columns permuted."""
    rng = np.random.default_rng(0)
    upper = np.triu(np.ones((D, D), dtype=bool), 1)

    def draw() -> FloatArray:
        edges = (rng.random((models, D, D), dtype=np.float32) < EDGE) & upper
        uniform = rng.random((models, D, D), dtype=np.float32)
        size = np.float32(0.5) + np.float32(1.5) * np.abs(2 * uniform - 1)
        weights = np.where(uniform < 0.5, -size, size) * edges  # (M, d, d)
        x = rng.standard_normal((models, D, D + 1, ROWS), dtype=np.float32)  # (M, d, regime, N)
        x *= np.float32(0.5)
        for j in range(D):
            if j:
                causes = x[:, :j].reshape(models, j, -1)
                x[:, j] += (weights[:, None, :j, j] @ causes).reshape(models, D + 1, ROWS)
            jitter = rng.standard_normal((models, ROWS), dtype=np.float32)
            x[:, j, 1 + j] = VALUE + np.float32(0.1) * jitter
        order = rng.permuted(np.tile(np.arange(D), (models, 1)), axis=1)  # (M, d)
        columns = np.take_along_axis(x, order[:, :, None, None], axis=1)
        return np.ascontiguousarray(np.moveaxis(columns, 1, 3))  # (M, regime, N, d)

    return draw


def sempler(models: int) -> Callable[[], object]:
    """Ask sempler's LGANM for the observation and each intervention of a model."""
    lganm = _required("sempler").LGANM
    rng = np.random.default_rng(0)

    def draw() -> list[FloatArray]:
        return [regime for _ in range(models) for regime in one()]

    def one() -> list[FloatArray]:
        weights, order = _weights(rng), rng.permutation(D)
        model = lganm(weights[np.ix_(order, order)], (0, 0), (0.25, 0.25))
        sets: list[dict[int, tuple[float, float]]] = [{}, *({j: (VALUE, 0.01)} for j in range(D))]
        return [model.sample(ROWS, do_interventions=do) for do in sets]

    return draw


def causal_playground(models: int) -> Callable[[], object]:
    """Ask CausalPlayground for row after row of a model and of its interventions."""
    scm = _required("CausalPlayground").StructuralCausalModel
    rng = np.random.default_rng(0)

    def draw() -> list[object]:
        return [row for _ in range(models) for row in one()]

    def one() -> list[object]:
        weights, model = _weights(rng), scm()
        for j in range(D):
            causes = [i for i in range(D) if weights[i, j]]
            model.add_exogenous_var(f"U{j}", rng.normal, {"loc": 0.0, "scale": 0.5})
            names = {f"U{j}": "noise"} | {f"X{i}": f"x{i}" for i in causes}
            linear = _linear({f"x{i}": weights[i, j] for i in causes})
            model.add_endogenous_var(f"X{j}", linear, {new: old for old, new in names.items()})
        rows = [model.get_next_sample() for _ in range(ROWS)]
        for j in range(D):
            model.do_interventions([(f"X{j}", (lambda: VALUE + 0.1 * rng.normal(), {}))])
            rows += [model.get_next_sample() for _ in range(ROWS)]
            model.undo_interventions()
        return rows

    return draw


def avici(models: int) -> Callable[[], object]:
    """Run avici's Sergio once a condition; its one module needs nothing but NumPy."""
    try:
        path = Path(str(distribution("avici").locate_file("avici/synthetic/sergio/sim.py")))
    except PackageNotFoundError as error:
        raise ImportError("avici is not installed") from error
    spec = importlib.util.spec_from_file_location("avicis_simulator", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rng = np.random.default_rng(0)
    given = _graphs(models)

    def draw() -> list[FloatArray]:
        return [cells for graph in given for cells in one(graph)]

    def one(graph: NDArray[np.bool_]) -> list[FloatArray]:
        strength, sign = rng.uniform(1.0, 5.0, (D, D)), rng.choice([-1.0, 1.0], (D, D))
        basal, found = rng.random((D, TYPES)), []
        for condition in range(D + 1):
            run = module.Sergio(
                rng, number_genes=D, number_bins=TYPES, number_sc=CELLS, noise_params=1.0,
                noise_type="dpd", decays=0.8, kout=np.arange(D) == condition - 1,
                kdown=np.zeros(D, dtype=bool), sampling_state=15, dt=0.01, safety_steps=10,
            )  # fmt: skip
            run.custom_graph(g=graph.astype(int), k=strength * sign, b=basal, hill=np.full((D, D), 2.0))  # fmt: skip
            run.simulate()
            found.append(run.getExpressions())
        return found

    return draw


def sergio_rs(models: int) -> Callable[[], object]:
    """Run sergio_rs once a condition."""
    rs = _required("sergio_rs")
    rng = np.random.default_rng(0)
    given = _graphs(models)

    def draw() -> list[object]:
        return [cells for graph in given for cells in one(graph)]

    def one(graph: NDArray[np.bool_]) -> list[object]:
        network, genes = rs.GRN(), [rs.Gene(f"gene{j}", 0.8) for j in range(D)]
        strength = rng.uniform(1.0, 5.0, (D, D)) * rng.choice([-1.0, 1.0], (D, D))
        for i, j in np.argwhere(graph):
            network.add_interaction(genes[i], genes[j], strength[i, j], None, 2)
        network.set_mrs()
        basal = rs.MrProfile.from_random(network, TYPES, (0.0, 0.5), (0.5, 1.0), 0)
        names = [f"gene{j}" for j in range(D) if graph[j].any() or graph[:, j].any()]
        found = [cells(network, basal)]
        return [*found, *(cells(*network.ko_perturbation(name, basal)) for name in names)]

    def cells(network: Any, profile: Any) -> object:
        seed = int(rng.integers(1 << 30))
        return rs.Sim(network, CELLS, 10, 15, 0.01, 1.0, seed).simulate(profile)

    return draw


PEERS: dict[str, Callable[[int], Callable[[], object]]] = {
    "NumPy by hand": by_hand,
    "sempler": sempler,
    "causal-playground": causal_playground,
    "avici": avici,
    "sergio_rs": sergio_rs,
}


def _required(name: str) -> Any:
    """Import a package; an ImportError says that it is absent."""
    return importlib.import_module(name)


def _weights(rng: np.random.Generator) -> FloatArray:
    """One model's weights (d, d), causes before effects."""
    edges = np.triu(rng.random((D, D)) < EDGE, 1)
    weights: FloatArray = edges * rng.uniform(0.5, 2.0, (D, D)) * rng.choice([-1.0, 1.0], (D, D))
    return weights


def _linear(weights: dict[str, float]) -> Callable[..., float]:
    def value(noise: float, **causes: float) -> float:
        return noise + sum(weights[name] * cause for name, cause in causes.items())

    return value


def _graphs(models: int) -> NDArray[np.bool_]:
    """Modules of the yeast network (M, d, d), as the others would read them from files."""
    from activa_sim.rng import model_streams
    from activa_sim.sergio import NetworkModules

    return NetworkModules().draw(model_streams(0, "test", 0, models), D)[0]
