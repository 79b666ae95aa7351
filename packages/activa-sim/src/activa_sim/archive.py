"""Archives: named arrays and their provenance in one .npz file, whole or not at all."""

from __future__ import annotations

import json
import os
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

PROVENANCE = "provenance"  # name of the array that holds the provenance as JSON


def write(path: Path, arrays: Mapping[str, NDArray[Any]], provenance: Mapping[str, Any]) -> None:
    """Write beside the path, then rename, so that a failure leaves what stood there before."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    named = {PROVENANCE: np.array(json.dumps(provenance)), **arrays}
    try:
        with unfinished.open("wb") as file:
            # not np.savez, which before numpy 2 forgets its ZipFile when the disk is full
            with zipfile.ZipFile(file, "w") as archive:
                for name, array in named.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise InputError(
            f"cannot write {path} ({error.strerror}); free some space or choose another folder"
        ) from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read arrays and provenance; pickled objects are refused."""
    try:
        # numpy leaves a file that it opened itself open where the archive is truncated
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
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
