"""What importing a package costs, and that nobody pulls in torch who does not need it."""

import json
import subprocess
import sys

import pytest

REPEATS = 7  # the fastest of several: what else the machine does can only add

TIMED = """
import sys, time
import numpy
before = time.perf_counter()
import {module}
print(time.perf_counter() - before)
"""


@pytest.mark.parametrize("module", ["activa_sim", "activa_eval", "activa_kernels"])
def test_importing_adds_less_than_a_tenth_of_a_second_to_numpy(module: str) -> None:
    seconds = [float(python(TIMED.format(module=module))) for _ in range(REPEATS)]
    assert min(seconds) < 0.1


@pytest.mark.parametrize(
    "statement",
    [
        "import activa_sim",
        "import activa_kernels, activa_kernels.distances",
        "import activa_eval",
        "import activa_sim; activa_sim.simulator('gauss-2').sample(2, 5)",
        "import activa_eval; activa_eval.wasserstein([[0.0], [1.0]], [[0.0], [3.0]])",
        "import activa_cli.main",
    ],
)
def test_torch_stays_out_where_it_is_not_needed(statement: str) -> None:
    modules = set(
        json.loads(python(f"{statement}\nimport sys, json; print(json.dumps(list(sys.modules)))"))
    )
    assert not modules & {"torch", "triton"}


@pytest.mark.parametrize("module", ["activa_sim", "activa_eval"])
def test_scipy_and_plotting_stay_out_of_a_bare_import(module: str) -> None:
    code = f"import {module}, sys, json; print(json.dumps(list(sys.modules)))"
    assert not set(json.loads(python(code))) & {"scipy", "ot", "matplotlib", "pandas"}


def python(code: str) -> str:
    """Run code in an interpreter of its own, on what is installed, and return what it prints."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
