"""Files that a reader finds whole: what was there before, or all of the new content."""

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the place, then rename; into a device or a pipe directly.

    Raises
    ------
    OSError
        If that fails, with the name of `path`; what stood there before is untouched, and nothing
        is left beside it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            path.write_bytes(content)  # nothing may take the place of /dev/stdout
            return
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error
