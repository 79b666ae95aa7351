"""Archives: named arrays and their provenance in one .npz file, whole or not at all."""

from __future__ import annotations

import json
import os
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

PROVENANCE = "provenance"  # name of the array that holds the provenance as JSON


def write(
    path: str | Path, arrays: Mapping[str, NDArray[Any]], provenance: Mapping[str, Any]
) -> None:
    """Write an .npz file; a failure leaves what stood there before."""
    named = {PROVENANCE: np.array(json.dumps(provenance)), **arrays}
    # not np.savez, which before numpy 2 forgets its ZipFile when the disk is full
    with whole(path) as place, zipfile.ZipFile(place, "w") as archive:
        for name, array in named.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield where to write a file that takes the path's place once it is written in full."""
    place = Path(path).resolve()  # a link to a file stays one
    if place.exists() and not (place.is_file() or place.is_dir()):
        raise InputError(f"{path} is a device or a pipe, which no file can replace; name a file")
    unfinished = place.with_name(f".{place.name}.{os.getpid()}.unfinished")
    try:
        yield unfinished
        with unfinished.open("r+b") as file:
            os.fsync(file.fileno())
        unfinished.replace(place)
    except OSError as error:
        raise InputError(
            f"cannot write {path} ({error.strerror or error}); "
            "free some space or choose another folder"
        ) from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read arrays and provenance; pickled objects are refused."""
    try:
        # numpy leaves a file that it opened itself open where the archive is truncated
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            provenance = json.loads(archive[PROVENANCE].item())
            arrays = {name: archive[name] for name in archive.files if name != PROVENANCE}
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}; check its name") from error
    except OSError as error:
        raise InputError(
            f"cannot read {path} ({error.strerror or error}); check the file"
        ) from error
    except (AttributeError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is truncated or no batch; write it again with save") from error
    return arrays, provenance
