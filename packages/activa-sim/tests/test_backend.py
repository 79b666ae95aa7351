import subprocess
import sys

import activa_sim
import pytest
from activa_sim import InputError, _native
from activa_sim.backend import instruction_set, native, threads

compiled = pytest.mark.skipif(_native.library is None, reason="nothing is compiled")


def test_this_installation_is_compiled() -> None:
    assert _native.library is not None, f"{_native.reason}: is there a C++ compiler?"


@compiled
def test_says_what_runs_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACTIVA_BACKEND", "ACTIVA_ISA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ACTIVA_NUM_THREADS", "3")
    found = activa_sim.backend()
    assert (found.implementation, found.threads) == ("native", 3)
    assert native() is _native.library is not None
    assert found.instruction_set == _native.library.instruction_sets()[-1]
    text = f"native (compiled code is installed)\ninstruction set: {found.instruction_set}"
    assert str(found) == f"{text}\nthreads: 3"


@compiled
def test_the_environment_overrules_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    monkeypatch.setenv("ACTIVA_ISA", "base")
    found = activa_sim.backend()
    assert (found.implementation, found.instruction_set) == ("reference", "base")
    assert native() is None


@compiled
def test_more_than_this_processor_has_is_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _native.library is not None
    monkeypatch.setenv("ACTIVA_ISA", "avx512bf16")
    assert instruction_set() == _native.library.instruction_sets()[-1]


@compiled
def test_what_is_unknown_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_ISA", "avx1024")
    with pytest.raises(InputError, match="ACTIVA_ISA=avx1024 is unknown; give base, avx2, avx512"):
        instruction_set()
    monkeypatch.delenv("ACTIVA_ISA")
    monkeypatch.setenv("ACTIVA_BACKEND", "fastest")
    with pytest.raises(InputError, match="ACTIVA_BACKEND=fastest is unknown; give reference or"):
        native()


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_number_of_threads_must_be_one(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ACTIVA_NUM_THREADS", value)
    with pytest.raises(InputError, match=f"ACTIVA_NUM_THREADS={value} is not a number of threads"):
        threads()


def test_openmp_s_number_of_threads_counts_where_ours_is_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ACTIVA_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads() >= 1


def test_where_nothing_is_compiled_numpy_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_native, "library", None)
    monkeypatch.setattr(_native, "reason", "nothing was compiled")
    monkeypatch.delenv("ACTIVA_BACKEND", raising=False)
    assert native() is None
    assert "reference (nothing was compiled)\ninstruction set: none" in str(activa_sim.backend())
    monkeypatch.setenv("ACTIVA_BACKEND", "native")
    with pytest.raises(InputError, match="native cannot be had: nothing was compiled; install"):
        native()


def test_a_missing_extension_is_the_reason_given() -> None:
    program = """
import sys
sys.modules["activa_sim._native._core"] = None
import activa_sim
print(activa_sim.backend().reason)
print(activa_sim.simulator("gauss-2").sample(1, 7).obs.shape)
"""
    command = [sys.executable, "-c", program]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert out == "nothing was compiled when activa-sim was installed\n(1, 7, 2)\n"
