"""Small stand-ins for the packages that hold the data, as folders and as wheels."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Unpack = Callable[[ModuleType, str, str, bytes], Path]


@pytest.fixture
def unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unpack:
    """Put a file where an unpacked wheel has it, and let the loader's module expect its digest."""

    def put(module: ModuleType, member: str, digest: str, content: bytes) -> Path:
        place = tmp_path / getattr(module, member)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        monkeypatch.setattr(module, digest, hashlib.sha256(content).hexdigest())
        return tmp_path

    return put


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel with one file of four letters."""
    path = tmp_path / "held-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("held/data.csv", "data")
    return path
