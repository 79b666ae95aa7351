"""What the kernels are compared with computes the same, and the harness reports what it measured."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from activa_core.config import TrainConfig
from activa_core.model import CVAE
from activa_core.model.layers import TransformerBlock
from activa_kernels import native_available
from activa_kernels.mixture_log_prob import mixture_log_prob
from torch.utils.flop_counter import FlopCounterMode

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
Load = Any


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Import a file of benchmarks/, where they import each other."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    found: dict[str, ModuleType] = {}
    yield lambda name: found.setdefault(name, import_module(name))
    for name in ("cases", "peers", "computations", "report", "floor", "launches"):
        sys.modules.pop(name, None)


@pytest.fixture(autouse=True)
def same_draws() -> Any:
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        yield


def tiny(load: Load, name: str = "gauss-8") -> Any:
    """A shape of the registry with few rows."""
    shape = next(s for s in load("cases").SHAPES if s.name == name)
    return replace(shape, B=3, N=5, interv_rows=5)


@pytest.mark.parametrize("axis", ["samples", "variables"])
@pytest.mark.parametrize("attention", ["products", "sdpa"])
def test_the_block_we_compare_with_has_our_outputs_and_gradients(
    axis: str, attention: str, load: Load
) -> None:
    shape = tiny(load)
    config = load("computations").config_of(shape, 0.0)
    ours = TransformerBlock(shape.e, shape.h, shape.heads, 0.0, layer=0).double()
    theirs = load("peers").like(ours, config, attention=attention, pure=False).double()
    x = torch.randn(shape.B, shape.N, shape.d, shape.e, dtype=torch.float64)
    weighted = torch.randn_like(x)
    outs = [block(x, axis=axis) for block in (ours, theirs)]
    torch.testing.assert_close(outs[1], outs[0], rtol=0, atol=1e-12)
    for out in outs:
        (out * weighted).sum().backward()
    for mine, their in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(their.grad, mine.grad, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["gauss-2", "general-2"])
def test_the_network_we_compare_with_has_our_objective(name: str, load: Load) -> None:
    computations, shape = load("computations"), tiny(load, name)
    theirs = load("peers").network(
        computations.config_of(shape, 0.0), attention="products", pure=False
    )
    ours = CVAE(theirs.config)
    for mine, their in zip(ours.parameters(), theirs.parameters(), strict=True):
        mine.data.copy_(their.data)
    pairs, noise = computations.draw_pairs(shape, theirs.config)
    found = [model.evidence(pairs, TrainConfig(), noise) for model in (ours, theirs)]
    torch.testing.assert_close(
        found[1].log_likelihood, found[0].log_likelihood, rtol=1e-4, atol=1e-4
    )
    torch.testing.assert_close(found[1].divergence, found[0].divergence, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("way", ["mixture_by_cholesky", "mixture_by_distributions"])
def test_the_mixtures_we_compare_with_have_our_density(way: str, load: Load) -> None:
    B, N, C, d, r = 2, 7, 3, 4, 5
    sizes = [(B, N, d), (B, C), (B, C, d), (B, C, d, r)]
    x, scores, means, factors = (torch.randn(size, dtype=torch.float64) for size in sizes)
    problem = (x, scores.log_softmax(dim=1), means, factors, means.square() + 0.1)
    expected = mixture_log_prob(*problem)
    torch.testing.assert_close(
        getattr(load("peers"), way)(*problem), expected, rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("axis", ["samples", "variables"])
def test_the_operations_of_a_block_are_those_that_torch_counts(axis: str, load: Load) -> None:
    shape = tiny(load)
    block = load("peers").Block(
        shape.e, shape.h, shape.heads, 0.0, attention="products", pure=False
    )
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        block(torch.randn(shape.B, shape.N, shape.d, shape.e), axis=axis)
    assert counter.get_total_flops() == shape.block_flops(axis=axis)


def test_a_step_is_all_blocks_of_both_embeddings_and_of_the_decoder(load: Load) -> None:
    gauss = next(s for s in load("cases").SHAPES if s.name == "gauss-2")
    embedding = gauss.block_flops(axis="variables") + gauss.block_flops(axis="samples")
    decoder = 4 * gauss.block_flops(axis="variables", N=1)
    assert gauss.step_flops() == 3 * (2 * embedding + decoder)


def test_the_floor_of_a_step_is_what_it_must_move_and_compute(load: Load) -> None:
    shape = tiny(load, "gauss-2")
    found = load("floor").floor(shape, {"activa": 5})
    tokens = 2 * (2 * 3 * 5 * 2) + 4 * (3 * 2)  # two embeddings of two blocks, four decoder blocks
    assert found["bytes"] == tokens * 64 * 4 * 7
    assert "not timed" in found["device"]
    assert found["microseconds"]["bfloat16"] <= found["microseconds"]["float32"]


def test_kernels_are_counted_as_torch_and_triton_would_launch_them(load: Load) -> None:
    pytest.importorskip("triton")
    if not native_available():
        pytest.skip("nothing is compiled, and what is counted is the compiled block's twin")
    cases, prepare = load("cases"), load("computations").prepare
    with load("launches").Launches() as counted:
        (torch.ones(4, 3) * 2).view(-1) + 1  # and a view, which is none
    assert counted.number == 3

    def launched(B: int) -> int:
        case = cases.Case("block", "forward and backward", replace(tiny(load), B=B), "variables")
        run = prepare(case, cases.Way("activa", "float32", "activa", ours=True), "cpu", 0.0)
        with load("launches").Launches() as counted:
            run()
        return int(counted.number)

    assert 0 < launched(3) < 20  # eager PyTorch: about a hundred
    assert launched(6) == launched(3)


def test_ours_is_compared_with_the_fastest_other_of_its_precision_round_by_round(
    load: Load,
) -> None:
    cases, report = load("cases"), load("report")
    case, way = cases.kernels(quick=True)[0], cases.Way
    times = {
        way("activa", "bfloat16", "activa", ours=True): [1.0, 2.0, 9.0],
        way("activa before", "bfloat16", "base", ours=True): [0.5, 1.0, 4.5],
        way("slow", "bfloat16", "tuned"): [5.0, 9.0, 30.0],
        way("fast", "bfloat16", "tuned"): [3.0, 6.0, 18.0],
        way("faster, but wide", "float32", "tuned"): [1.0, 1.0, 1.0],
        way("PyTorch", "float32", "plain"): [8.0, 16.0, 72.0],
    }
    rows = [report.row(case, w, t, "made up", 1e9) for w, t in times.items()]
    (found,) = report.comparisons(
        rows, {(case.name, w.name, w.precision): t for w, t in times.items()}
    )
    assert (found["best"], found["times_faster_than_best"]) == ("fast", 3.0)  # 3, 3 and 2
    assert found["times_faster_than_plain"] == 8.0
    assert found["times_faster_than_before"] == 0.5
    assert rows[0]["seconds"] == {"median": 2.0, "low": 1.4, "high": 6.2}


def test_the_harness_measures_and_writes_what_it_measured(tmp_path: Path) -> None:
    run(tmp_path, "--quick", "--only", "gauss-2 block over samples forward and")
    (file,) = tmp_path.glob("*.json")
    result = json.loads(file.read_text())
    assert {r["case"] for r in result["rows"]} == {
        "gauss-2 block over samples forward and backward"
    }
    assert {r["precision"] for r in result["rows"] if r["ours"]} == {"float32", "bfloat16"}
    assert all(r["seconds"]["median"] > 0 and r["rounds"] == 2 for r in result["rows"])
    assert all(r["implementation"] for r in result["rows"])
    assert {c["precision"] for c in result["comparisons"]} == {"float32", "bfloat16"}
    for name in ("torch", "commit", "device", "threads", "clock", "matmul"):
        assert result[name]
    assert file.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--device", "cuda"), "there is no CUDA device here"),
        (("--base", "nonsense"), "no commit nonsense"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    if torch.cuda.is_available() and "cuda" in arguments:
        pytest.skip("there is a CUDA device here")
    result = run(tmp_path, "--quick", "--only", "no such case", *arguments, check=False)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def run(out: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the harness as `nox -s bench` does."""
    command = [sys.executable, str(BENCHMARKS / "run.py"), "kernels", "--out", str(out)]
    return subprocess.run([*command, *arguments], check=check, capture_output=True, text=True)
