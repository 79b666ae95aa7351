import errno
from pathlib import Path

import pytest
from activa_core.files import write_whole


def test_content_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_failed_rename_leaves_the_old_content_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def refuse(_self: Path, _target: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "the temporary file")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError, match=rf"Permission denied: '{path}'"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_error_names_the_path_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "missing" / "out.json", tmp_path / "file" / "out.json"):
        with pytest.raises(OSError, match=rf": '{path}'"):
            write_whole(path, b"content")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no such device here")
def test_a_device_is_written_into_and_stays_one() -> None:
    write_whole(Path("/dev/null"), b"content")
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write_whole(Path("/dev/full"), b"content")
    assert Path("/dev/null").is_char_device()
    assert Path("/dev/full").is_char_device()
