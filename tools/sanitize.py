"""Run the tests of compiled code under sanitizers: memory and undefined behaviour, then the pool.

The extension of activa-kernels is built anew beside a copy of its sources, which the tests import.
Torch and the interpreter are as they were installed, so only our own code is looked at.
`python tools/sanitize.py --only thread` runs one of both; it takes GCC, on Linux, and some minutes.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pybind11

KERNELS = Path(__file__).parents[1] / "packages" / "activa-kernels"
# the targets ask for -O3, with which instrumented code takes many times as long to compile
COMPILE = "<CMAKE_CXX_COMPILER> <DEFINES> <INCLUDES> <FLAGS> -O1 -o <OBJECT> -c <SOURCE>"


class Sanitizer(NamedTuple):
    """What is compiled in, the library that must be loaded first, its options, the tests that run."""

    flags: str
    library: str
    options: dict[str, str]
    tests: tuple[str, ...]


SANITIZERS = {
    "address": Sanitizer(
        "-fsanitize=address,undefined -fno-sanitize-recover=undefined",
        "libasan.so",
        # the interpreter keeps what it allocates until it exits
        {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"},
        (
            "tests/alternating_attention/test_native.py",
            "tests/alternating_attention/test_native_attention.py",
            "tests/alternating_attention/test_native_dropout.py",
            "tests/mixture_log_prob/test_native.py",
            "tests/distances/test_native.py",
            "tests/distances/test_op.py",
            "tests/distances/test_transport.py",
        ),
    ),
    "thread": Sanitizer(
        "-fsanitize=thread",
        "libtsan.so",
        # else it refuses threads of a forked process, which one test starts
        {"TSAN_OPTIONS": "halt_on_error=1:die_after_fork=0"},
        ("tests", "-k", "threads"),
    ),
}


def main() -> int:
    """Run the sanitizers that were asked for; 1 if one of them finds something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(SANITIZERS), help="run one of both")
    only = parser.parse_args().only
    if sys.platform != "linux" or shutil.which("g++") is None:
        print("nothing run: sanitizers take g++ and Linux")
        return 1
    failed = []
    for name, sanitizer in SANITIZERS.items():
        if only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                build(sanitizer, Path(folder))
                print(f"{name}: built, now testing", flush=True)
                if test(sanitizer, Path(folder)):
                    failed.append(name)
    print(f"found by: {', '.join(failed)}" if failed else "the sanitizers found nothing")
    return int(bool(failed))


def build(sanitizer: Sanitizer, folder: Path) -> None:
    """Compile the extension into a copy of the package's sources."""
    copy, work = folder / "src" / "activa_kernels", folder / "build"
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(KERNELS / "src" / "activa_kernels", copy, ignore=ignored)
    configure = [
        "cmake",
        f"-S{KERNELS}",
        f"-B{work}",
        "-DCMAKE_CXX_COMPILER=g++",
        f"-DCMAKE_CXX_FLAGS=-g -fno-omit-frame-pointer {sanitizer.flags}",
        f"-DCMAKE_CXX_COMPILE_OBJECT={COMPILE}",
        f"-DPython_EXECUTABLE={sys.executable}",
        f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
        "-DACTIVA_CUDA=OFF",
    ]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", work], check=True, stdout=subprocess.DEVNULL)
    (extension,) = work.glob("_cpu*.so")
    shutil.copy(extension, copy / "_native")


def test(sanitizer: Sanitizer, folder: Path) -> int:
    """Run the sanitizer's tests with its library loaded before the interpreter's own."""
    library = subprocess.run(
        ["g++", f"-print-file-name={sanitizer.library}"], check=True, capture_output=True, text=True
    ).stdout.strip()
    environment = os.environ | sanitizer.options
    environment |= {
        "LD_PRELOAD": library,
        "PYTHONPATH": str(folder / "src"),
        "OMP_NUM_THREADS": "1",
    }
    # the thread sanitizer maps memory where a randomised layout may already have put something
    command = ["setarch", platform.machine(), "-R", sys.executable, "-m", "pytest", "-q"]
    command += ["-p", "no:cacheprovider", *sanitizer.tests]
    return subprocess.run(command, cwd=KERNELS, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
