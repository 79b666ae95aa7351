"""What importing a package costs, and that nobody pulls in torch who does not need it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPEATS = 7  # the fastest of several: what else the machine does can only add

TIMED = """
import sys, time
import numpy
before = time.process_time()
import {module}
print(time.process_time() - before)
"""


@pytest.mark.parametrize(
    ("module", "most"), [("activa_sim", 0.05), ("activa_eval", 0.1), ("activa_kernels", 0.1)]
)
def test_importing_adds_little_time_to_numpy(
    module: str, most: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))  # compiled once, as by an installer
    seconds = [float(python(TIMED.format(module=module))) for _ in range(REPEATS)]
    assert min(seconds) < most


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
