"""Compile the CUDA C++ kernels for each architecture, and read what the assembler says of them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parents[1] / "packages" / "activa-kernels" / "src" / "activa_kernels"
USAGE = re.compile(
    r"Compiling entry function '(?P<symbol>\w+)' for 'sm_(?P<sm>\d+)'"
    r".*?(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores,"
    r" (?P<loads>\d+) bytes spill loads"
    r".*?Used (?P<registers>\d+) registers(?:.*?(?P<shared>\d+) bytes smem)?",
)


def find_nvcc() -> str | None:
    """Return the compiler on PATH, of CUDA_PATH, or of the wheel `nvidia-cuda-nvcc`."""
    folders = [os.environ.get("PATH", ""), str(Path(os.environ.get("CUDA_PATH", "")) / "bin")]
    folders += [str(path) for site in sys.path for path in Path(site).glob("nvidia/cu1*/bin")]
    return shutil.which("nvcc", path=os.pathsep.join(folders))


def compile_cuda(only: str, capabilities: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """Compile what is named so, as CMake does; a row a kernel and architecture."""
    nvcc = find_nvcc()
    if nvcc is None:
        print("no CUDA C++ compiled: there is no nvcc (pip install nvidia-cuda-nvcc)")
        return
    for source in sorted(SOURCES.glob("*/*.cu")):
        for capability in capabilities:
            for row in rows_of(nvcc, source, capability):
                if only in row["kernel"]:
                    yield row


def rows_of(nvcc: str, source: Path, capability: int) -> Iterator[dict[str, Any]]:
    """Compile one source for one architecture."""
    with tempfile.TemporaryDirectory() as folder:
        command = [nvcc, "-std=c++17", "-O3", f"-arch=sm_{capability}", "-cubin", "-Xptxas", "-v"]
        command += [str(source), "-o", str(Path(folder) / "out.cubin")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"nvcc cannot compile {source.name}:\n{done.stderr}")
    for found in USAGE.finditer(done.stderr.replace("\n", " ")):
        kernel, arguments = demangled(found["symbol"])
        yield {
            "kernel": f"{source.parent.name}.{kernel}",
            "tile": arguments,
            "sm": int(found["sm"]),
            "axes": 1,  # no launch has more, see the sources
            "registers": int(found["registers"]),
            "stack": int(found["stack"]),
            "spills": int(found["stores"]) + int(found["loads"]),
            "shared": int(found["shared"] or 0),
            "missing": [],
            "notes": "CUDA C++",
        }


def demangled(symbol: str) -> tuple[str, str]:
    """Return the name of a kernel and the arguments of its template."""
    text = subprocess.run(["c++filt", symbol], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\w+)<(.*?)>\(", text)
    assert found is not None, f"{symbol} is no template of a kernel"
    return found[1], found[2]
