import hashlib
import zipfile
from pathlib import Path

import pytest
from activa_eval import InputError
from activa_eval.datasets.installed import Release

HELD = Release("held", "1.0")
DIGEST = hashlib.sha256(b"data").hexdigest()
ADVICE = "run pip install --no-deps held==1.0"


@pytest.fixture
def site(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages that has the wheel's file, whose module cannot be imported."""
    folder = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    (folder / "held" / "__init__.py").write_text("raise ImportError")
    (folder / "held-1.0.dist-info").mkdir()
    (folder / "held-1.0.dist-info" / "METADATA").write_text("Name: held\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_a_file_is_read_from_an_installed_package_without_importing_it(site: Path) -> None:
    assert HELD.read("held/data.csv", DIGEST) == b"data"


def test_a_file_is_read_from_a_wheel_and_from_a_folder(wheel: Path, site: Path) -> None:
    assert HELD.read("held/data.csv", DIGEST, source=wheel) == b"data"
    assert HELD.read("held/data.csv", DIGEST, source=str(site)) == b"data"


def test_a_missing_package_is_named_with_the_command_that_brings_it() -> None:
    with pytest.raises(InputError, match=f"^these data are in held; {ADVICE}$"):
        HELD.read("held/data.csv", DIGEST)


def test_another_version_is_refused(site: Path) -> None:
    with pytest.raises(InputError, match=r"held 1\.0 is installed; run pip .* held==2\.0"):
        Release("held", "2.0").read("held/data.csv", DIGEST)


def test_a_file_that_is_missing_is_named(site: Path, wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"without held/other.csv; {ADVICE}"):
        HELD.read("held/other.csv", DIGEST)
    with pytest.raises(InputError, match=f"does not hold held/other.csv; {ADVICE}"):
        HELD.read("held/other.csv", DIGEST, source=wheel)
    with pytest.raises(InputError, match=f"is no wheel or folder with held/other.csv; {ADVICE}"):
        HELD.read("held/other.csv", DIGEST, source=tmp_path)


def test_a_file_that_was_changed_is_refused(wheel: Path) -> None:
    with pytest.raises(InputError, match=f"data.csv is not that of held 1.0; {ADVICE}"):
        HELD.read("held/data.csv", hashlib.sha256(b"date").hexdigest(), source=wheel)
