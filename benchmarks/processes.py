"""The processes that compute: their environments, and the packages of an earlier commit."""

import json
import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[1]
WORKER = Path(__file__).with_name("worker.py")
# glibc's allocator keeps what is freed, as `activa_kernels.keep_freed_memory` asks it to
KEPT = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
    "MALLOC_TOP_PAD_": str(2**26),
}
PEER = {"ACTIVA_BACKEND": "reference"}  # around the blocks it is plain PyTorch too
BARE: dict[str, str] = {}  # as the packages find it where nobody arranged anything
ENVIRONMENTS = {
    "plain": PEER,
    "tuned": {**PEER, **KEPT},
    "activa": KEPT,
    "base": KEPT,
    "bare": BARE,
}


class Process:
    """A worker, asked one thing at a time; between `send` and `receive` others can be asked.

    Parameters
    ----------
    kind : {"plain", "tuned", "activa", "base", "bare"}
        Its environment.
    settings : dict
        See `Worker`.
    site : Path, optional
        A folder whose packages come before those that are installed.
    worker : Path
        What it runs.
    """

    def __init__(
        self,
        kind: str,
        settings: dict[str, Any],
        site: Path | None = None,
        worker: Path = WORKER,
    ) -> None:
        self.kind = kind
        self._process = subprocess.Popen(
            [sys.executable, str(worker), json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(kind, settings["threads"], site),
            text=True,
        )

    def ask(self, do: str, **request: Any) -> Any:
        """Return the answer of `Worker.do`.

        Raises
        ------
        RuntimeError
            If it failed there, with the reason.
        """
        self.send(do, **request)
        return self.receive()

    def send(self, do: str, **request: Any) -> None:
        """Ask, and do not wait."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # `receive` says so
            pass

    def receive(self) -> Any:
        """Wait for the answer to what was sent; raises as `ask`."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process {self.kind} ended with {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["answer"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # it has nothing to finish
        self._process.communicate()


def environment(kind: str, threads: int, site: Path | None) -> dict[str, str]:
    """Environment of a process: ours, but for what decides who computes how."""
    ours = ("ACTIVA_BACKEND", "TRITON_INTERPRET", *KEPT)
    given = {name: value for name, value in os.environ.items() if name not in ours}
    given |= {name: str(threads) for name in ("OMP_NUM_THREADS", "ACTIVA_NUM_THREADS")}
    if site is not None:
        before = os.environ.get("PYTHONPATH")
        given["PYTHONPATH"] = os.pathsep.join([str(site), *([before] if before else [])])
    return {**given, **ENVIRONMENTS[kind]}


def install(commit: str, folder: Path) -> Path:
    """Build the kernels and the model of a commit into a folder of their own, and return that.

    Raises
    ------
    RuntimeError
        If there is no such commit, or it cannot be built.
    """
    packages = [f"packages/{name}" for name in ("activa-kernels", "activa-core")]
    archive = ["git", "archive", "--format=tar", commit, "--", *packages]
    found = subprocess.run(archive, cwd=ROOT, capture_output=True, check=False)
    if found.returncode:
        raise RuntimeError(f"no commit {commit}: {found.stderr.decode().splitlines()[0]}")
    with tarfile.open(fileobj=BytesIO(found.stdout)) as files:
        files.extractall(folder / "sources", filter="data")
    site = folder / "site"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(site),
    ]
    sources = [str(folder / "sources" / package) for package in packages]
    if subprocess.run([*command, *sources], check=False).returncode:
        raise RuntimeError(f"the packages of {commit} cannot be built; pip says why")
    return site


def commit_here() -> str:
    """Return the commit that is measured, with "-dirty" if the tree differs from it."""
    command = ["git", "describe", "--always", "--dirty", "--match", ""]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
