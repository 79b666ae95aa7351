"""What importing and using this package brings along, in a fresh interpreter."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def run(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize("name", ["torch", "scipy", "ot", "pandas", "matplotlib"])
def test_importing_and_scoring_bring_no_heavy_library(name: str) -> None:
    program = f"""
import sys, activa_kernels, numpy as np
import activa_eval as e
x = np.arange(8.0).reshape(4, 2)
e.energy_test(x, x, n_permutations=9, seed=0)
e.mmd(x, x); e.energy_distance(x, x); e.sliced_wasserstein(x, x)
if activa_kernels.native_available():
    e.wasserstein(x, x)
print({name!r} in sys.modules)"""
    assert run(program) == "False\n"


def test_importing_takes_less_than_a_tenth_of_a_second_beyond_numpy() -> None:
    program = """
import numpy, time
start = time.process_time()
import activa_eval
print(time.process_time() - start)"""
    assert min(float(run(program)) for _ in range(3)) < 0.1


def test_the_examples_of_the_readme_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    assert "energy_distance  eqvar" in run("\n".join(blocks))
