import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from activa_sim import archive
from activa_sim.errors import InputError

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(["x", "yz"])}
ORIGIN = {"seed": 2**64 - 1, "share": 0.1, "names": ["p", "q"]}

# stands for a full disk: the system refuses to let a file grow beyond 100,000 bytes
FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from activa_sim import InputError, archive
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    archive.write(Path(sys.argv[1]), {"a": np.zeros(50_000)}, {})
except InputError as error:
    print(error)
"""


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    archive.write(tmp_path / "a.npz", ARRAYS, ORIGIN)
    arrays, origin = archive.read(tmp_path / "a.npz")
    assert origin == ORIGIN
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    assert [*tmp_path.iterdir()] == [tmp_path / "a.npz"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*none\.npz; check its name"):
        archive.read(tmp_path / "none.npz")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .* \(Is a directory\); check the file"):
        archive.read(tmp_path)


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_truncated_file_is_called_so(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "a.npz"
    archive.write(path, ARRAYS, ORIGIN)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match="is truncated or no batch; write it again with save"):
        archive.read(path)


def test_a_damaged_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    archive.write(path, ARRAYS, ORIGIN)
    content = path.read_bytes()
    path.write_bytes(content.replace(np.float64(4.0).tobytes(), np.float64(5.0).tobytes()))
    with pytest.raises(InputError, match="is truncated or no batch"):
        archive.read(path)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign"
    path.write_text("X,Y\n1,2\n")
    with pytest.raises(InputError, match="no batch"):
        archive.read(path)
    for save in (np.save, np.savez):
        with path.open("wb") as file:
            save(file, np.zeros(3))
        with pytest.raises(InputError, match="no batch"):
            archive.read(path)
    with path.open("wb") as file:
        np.savez(file, provenance=np.array([object()], dtype=object))  # a pickle inside
    with pytest.raises(InputError, match="no batch"):
        archive.read(path)


def test_a_link_stays_one_and_a_folder_a_folder(tmp_path: Path) -> None:
    path, link = tmp_path / "a.npz", tmp_path / "link.npz"
    archive.write(path, ARRAYS, {})
    link.symlink_to(path)
    archive.write(link, ARRAYS, ORIGIN)
    assert link.is_symlink()
    assert archive.read(path)[1] == ORIGIN
    with pytest.raises(InputError, match=r"cannot write .* \(Is a directory\)"):
        archive.write(tmp_path, ARRAYS, ORIGIN)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_pipe_stays_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe is a device or a pipe, which no file can replace"):
        archive.write(tmp_path / "pipe", ARRAYS, ORIGIN)
    assert (tmp_path / "pipe").is_fifo()


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("missing", "file"):
        with pytest.raises(InputError, match=r"cannot write .*a\.npz \((No such file|Not a dir)"):
            archive.write(tmp_path / folder / "a.npz", ARRAYS, ORIGIN)


@pytest.mark.skipif(sys.platform == "win32", reason="file sizes cannot be limited there")
def test_a_full_disk_leaves_what_stood_there_before(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    archive.write(path, ARRAYS, ORIGIN)
    command = [sys.executable, "-W", "error", "-c", FULL_DISK, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.count("\n") == 1
    assert result.stdout.startswith(f"cannot write {path} (File too large); free some space")
    assert not result.stderr
    assert archive.read(path)[1] == ORIGIN
    assert [*tmp_path.iterdir()] == [tmp_path / "a.npz"]
