import tomllib
from pathlib import Path

from activa_sim import __version__


def test_batches_carry_the_version_that_the_package_is_released_under() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert __version__ == project["version"]
