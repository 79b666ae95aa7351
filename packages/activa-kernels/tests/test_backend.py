from __future__ import annotations

import mmap
import os
import subprocess
import sys
import warnings

import activa_kernels
import numpy as np
import pytest
import torch
from activa_kernels import InputError, _native
from activa_kernels._native import cuda
from activa_kernels.backend import (
    _warn_that_nothing_is_compiled,
    choose,
    instruction_set,
    native,
    threads,
)
from activa_kernels.distances import transport_cost
from activa_kernels.mixture_log_prob import mixture_log_prob
from torch import Tensor

compiled = pytest.mark.skipif(not activa_kernels.native_available(), reason="nothing is compiled")


@pytest.fixture
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_native, "library", None)
    monkeypatch.setattr(_native, "reason", "nothing was compiled")
    _warn_that_nothing_is_compiled.cache_clear()


def test_this_installation_is_compiled() -> None:
    assert activa_kernels.native_available(), f"{_native.reason}: is there a C++ compiler?"


@compiled
def test_says_what_runs_and_why() -> None:
    found = activa_kernels.backend()
    chosen = {(c.family, c.device): c.implementation for c in found.choices}
    assert chosen["mixture_log_prob", "cpu"] == chosen["distances", "cpu"] == "native"
    assert found.instruction_set == native().instruction_sets()[-1]
    text = str(found)
    assert "distances on cpu: native (compiled code is the fastest on a CPU)" in text
    assert f"threads: {torch.get_num_threads()}" in text
    bfloat16 = "native" if "avx512bf16" in native().instruction_sets() else "emulated"
    assert f"bfloat16 products: {bfloat16}" in text
    assert "CUDA compiler at build time" in text
    assert f"CUDA device: {'yes' if torch.cuda.is_available() else 'none'}" in text


@compiled
def test_the_environment_overrules_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    monkeypatch.setenv("ACTIVA_ISA", "base")
    monkeypatch.setenv("ACTIVA_NUM_THREADS", "3")
    found = activa_kernels.backend()
    assert {c.implementation for c in found.choices} == {"reference"}
    assert (found.instruction_set, found.threads) == ("base", 3)
    assert "bfloat16 products: emulated" in str(found)


@compiled
def test_an_instruction_set_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_ISA", "avx1024")
    with pytest.raises(InputError, match="ACTIVA_ISA=avx1024 cannot be had here; choose base"):
        instruction_set()
    with pytest.raises(InputError, match="ACTIVA_ISA"):
        mixture_log_prob(*ones(), 1.0)


def ones() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Rows, log weights, means and factors of one component in one dimension."""
    ones = torch.ones
    return ones(1, 1, 1), ones(1, 1), ones(1, 1, 1), ones(1, 1, 1, 1)


def test_a_backend_that_is_unknown_or_cannot_serve_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "fastest")
    with pytest.raises(InputError, match="ACTIVA_BACKEND=fastest is unknown"):
        activa_kernels.backend()
    monkeypatch.setenv("ACTIVA_BACKEND", "triton")
    with pytest.raises(InputError, match="take float32, not float64"):
        transport_cost(np.ones((2, 2)))
    monkeypatch.setenv("ACTIVA_BACKEND", "native")
    with pytest.raises(InputError, match="native code runs on the CPU only"):
        choose("mixture_log_prob", "cuda", "float32")


def test_a_device_without_a_fast_path_takes_the_reference() -> None:
    assert choose("mixture_log_prob", "mps", "float32").implementation == "reference"
    assert choose("mixture_log_prob", "cuda", "float64").implementation == "reference"
    crowded = choose("mixture_log_prob", "cuda", "float32", refusal="too large")
    assert (crowded.implementation, crowded.reason) == ("reference", "too large")


@compiled
def test_pairs_that_the_device_cannot_assign_go_to_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "obstacle", lambda: None)
    found = choose("assignment", "cuda", "float64")
    assert found.implementation == "cuda"
    assert "a warp a pair of up to 256 rows, larger pairs on the CPU" in str(
        activa_kernels.backend()
    )
    found = choose("assignment", "cuda", "float64", refusal="257 rows are more than 256")
    assert (found.implementation, found.reason) == (
        "native",
        "on the CPU: 257 rows are more than 256",
    )
    monkeypatch.setattr(cuda, "obstacle", lambda: "no CUDA compiler was used")
    assert "assignment on cuda: native (on the CPU: no CUDA compiler" in str(
        activa_kernels.backend()
    )
    monkeypatch.setenv("ACTIVA_BACKEND", "cuda")
    with pytest.raises(InputError, match="cannot serve assignment on cuda: no CUDA compiler"):
        choose("assignment", "cuda", "float64")
    with pytest.raises(InputError, match="run on a CUDA device only"):
        choose("assignment", "cpu", "float64")


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_number_of_threads_must_be_one(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ACTIVA_NUM_THREADS", value)
    with pytest.raises(InputError, match=f"ACTIVA_NUM_THREADS={value}"):
        threads()


@pytest.mark.usefixtures("nothing_compiled")
def test_without_a_compiled_extension_the_reference_runs_and_warns_once() -> None:
    with pytest.warns(UserWarning, match="the slower reference runs"):
        assert transport_cost([[2.0]]) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mixture_log_prob(*ones(), 1.0)
        assert transport_cost([[2.0]]) == 2
    assert "nothing is compiled" in str(activa_kernels.backend())
    assert activa_kernels.keep_freed_memory() == "nothing was compiled"


@pytest.mark.usefixtures("nothing_compiled")
def test_asking_for_the_reference_is_no_reason_to_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    assert transport_cost([[2.0]]) == 2


@pytest.mark.usefixtures("nothing_compiled")
def test_asking_for_native_code_that_is_missing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "native")
    with pytest.raises(InputError, match="nothing was compiled"):
        transport_cost([[2.0]])


def run(program: str, *arguments: str, **variables: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, **variables},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return result.stdout.strip()


@compiled
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other allocators")
def test_freed_memory_is_kept_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MMAP_THRESHOLD_", "TRIM_THRESHOLD_", "TOP_PAD_"):
        monkeypatch.delenv(f"MALLOC_{name}", raising=False)
    program = """
import resource, sys, activa_kernels
if sys.argv[1:]:
    assert activa_kernels.keep_freed_memory() is None
for _ in range(10):
    b"x" * (1 << 26)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""
    faults, fewer = int(run(program)), int(run(program, "keep"))
    assert faults - fewer > 8 * (1 << 26) // mmap.PAGESIZE


def test_importing_brings_neither_torch_nor_scipy() -> None:
    program = """
import sys, activa_kernels, activa_kernels.distances
activa_kernels.distances.transport_cost([[1.0]])
print({"torch", "scipy", "ot", "triton"} & set(sys.modules))
"""
    assert run(program) == "set()"


def test_without_torch_openmp_s_number_of_threads_counts() -> None:
    program = "from activa_kernels.backend import threads; print(threads())"
    assert run(program, OMP_NUM_THREADS="3,2") == "3"
    assert run(program, OMP_NUM_THREADS="3", ACTIVA_NUM_THREADS="5") == "5"
    assert int(run(program, OMP_NUM_THREADS="")) >= 1


def test_a_missing_extension_is_the_reason_given() -> None:
    program = """
import sys
sys.modules["activa_kernels._native._cpu"] = None
import activa_kernels
print(activa_kernels.native_available(), activa_kernels.backend().choices[0].reason)
print(activa_kernels.backend())
"""
    assert run(program).startswith("False nothing was compiled when activa-kernels was installed")
