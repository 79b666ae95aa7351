"""The direction of dependence holds, and a wrong import would be refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from activa_kernels.backend import IMPLEMENTATIONS
from activa_sim.backend import BACKENDS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources and of the contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for source in ROOT.glob("packages/*/src"):
        shutil.copytree(source, tmp_path / source.relative_to(ROOT))
    return tmp_path


def test_the_contracts_hold(tree: Path) -> None:
    assert lint_imports(tree).returncode == 0


@pytest.mark.parametrize(
    ("package", "wrong"),
    [
        ("core", "activa_sim"),
        ("core", "activa_eval"),
        ("core", "activa_cli"),
        ("eval", "activa_core"),
        ("eval", "activa_sim"),
        ("kernels", "activa_eval"),
        ("sim", "activa_kernels"),
        ("sim", "torch"),
    ],
)
def test_a_wrong_import_is_refused(package: str, wrong: str, tree: Path) -> None:
    errors = tree / f"packages/activa-{package}/src/activa_{package}/errors.py"
    errors.write_text(f"import {wrong}\n" + errors.read_text())
    result = lint_imports(tree)
    assert result.returncode == 1
    assert f"activa_{package}.errors -> {wrong}" in result.stdout


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts on the sources of a tree."""
    sources = os.pathsep.join(str(path) for path in sorted(tree.glob("packages/*/src")))
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(
        command, cwd=tree, env=os.environ | {"PYTHONPATH": sources}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_what_one_package_takes_for_a_backend_the_other_knows() -> None:
    assert set(BACKENDS) == set(IMPLEMENTATIONS)  # both read ACTIVA_BACKEND
