"""Run the tests of compiled code under sanitizers: memory and undefined behaviour, then the pool.

The extensions of activa-kernels and activa-sim are built anew beside copies of their sources, which
the tests import. Torch and the interpreter are as they were installed, so only our own code is
looked at. `python tools/sanitize.py --only thread --package activa-sim` runs one of both on one of
them; it takes GCC, on Linux, and some minutes.
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

ROOT = Path(__file__).parents[1]
# the targets ask for -O3, with which instrumented code takes many times as long to compile
COMPILE = "<CMAKE_CXX_COMPILER> <DEFINES> <INCLUDES> <FLAGS> -O1 -o <OBJECT> -c <SOURCE>"


class Sanitizer(NamedTuple):
    """What is compiled in, the library that must be loaded first, and its options."""

    flags: str
    library: str
    options: dict[str, str]


class Package(NamedTuple):
    """Name of the extension, what CMake is told beside, and the tests of each sanitizer."""

    extension: str
    settings: tuple[str, ...]
    tests: dict[str, tuple[str, ...]]


SANITIZERS = {
    "address": Sanitizer(
        "-fsanitize=address,undefined -fno-sanitize-recover=undefined",
        "libasan.so",
        # the interpreter keeps what it allocates until it exits
        {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"},
    ),
    "thread": Sanitizer(
        "-fsanitize=thread",
        "libtsan.so",
        # else it refuses threads of a forked process, which one test starts
        {"TSAN_OPTIONS": "halt_on_error=1:die_after_fork=0"},
    ),
}
PACKAGES = {
    "activa-kernels": Package(
        "_cpu",
        ("-DACTIVA_CUDA=OFF",),
        {
            "address": (
                "tests/alternating_attention/test_native.py",
                "tests/alternating_attention/test_native_attention.py",
                "tests/alternating_attention/test_native_dropout.py",
                "tests/mixture_log_prob/test_native.py",
                "tests/distances/test_native.py",
                "tests/distances/test_op.py",
                "tests/distances/test_transport.py",
            ),
            "thread": ("tests", "-k", "threads"),
        },
    ),
    "activa-sim": Package(
        "_core",
        (),
        {
            "address": (
                "tests/sergio/test_native.py",
                "tests/test_linear_pass.py",
                "tests/test_pool.py",
                "tests/test_rng.py",
            ),
            "thread": (
                "tests/sergio/test_native.py",
                "tests/test_linear_pass.py",
                "tests/test_pool.py",
                "tests/test_rng.py",
                "-k",
                "thread",
            ),
        },
    ),
}


def main() -> int:
    """Run the sanitizers that were asked for; 1 if one of them finds something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(SANITIZERS), help="run one of both")
    parser.add_argument("--package", choices=sorted(PACKAGES), help="of one of both")
    options = parser.parse_args()
    if sys.platform != "linux" or shutil.which("g++") is None:
        print("nothing run: sanitizers take g++ and Linux")
        return 1
    failed = []
    for package in PACKAGES if options.package is None else [options.package]:
        for sanitizer in SANITIZERS if options.only is None else [options.only]:
            with tempfile.TemporaryDirectory() as folder:
                build(package, SANITIZERS[sanitizer], Path(folder))
                print(f"{package}, {sanitizer}: built, now testing", flush=True)
                if test(package, sanitizer, Path(folder)):
                    failed.append(f"{sanitizer} in {package}")
    print(f"found by: {', '.join(failed)}" if failed else "the sanitizers found nothing")
    return int(bool(failed))


def build(package: str, sanitizer: Sanitizer, folder: Path) -> None:
    """Compile the extension into a copy of the package's sources."""
    name, extension = package.replace("-", "_"), PACKAGES[package].extension
    copy, work, sources = folder / "src" / name, folder / "build", ROOT / "packages" / package
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(sources / "src" / name, copy, ignore=ignored)
    configure = [
        "cmake",
        f"-S{sources}",
        f"-B{work}",
        "-DCMAKE_CXX_COMPILER=g++",
        f"-DCMAKE_CXX_FLAGS=-g -fno-omit-frame-pointer {sanitizer.flags}",
        f"-DCMAKE_CXX_COMPILE_OBJECT={COMPILE}",
        f"-DPython_EXECUTABLE={sys.executable}",
        f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
        *PACKAGES[package].settings,
    ]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", work], check=True, stdout=subprocess.DEVNULL)
    (built,) = work.glob(f"{extension}*.so")
    shutil.copy(built, copy / "_native")


def test(package: str, sanitizer: str, folder: Path) -> int:
    """Run the sanitizer's tests with its library loaded before the interpreter's own."""
    _, library, options = SANITIZERS[sanitizer]
    library = subprocess.run(
        ["g++", f"-print-file-name={library}"], check=True, capture_output=True, text=True
    ).stdout.strip()
    environment = os.environ | options
    environment |= {
        "LD_PRELOAD": library,
        "PYTHONPATH": str(folder / "src"),
        "OMP_NUM_THREADS": "1",
    }
    # the thread sanitizer maps memory where a randomised layout may already have put something
    command = ["setarch", platform.machine(), "-R", sys.executable, "-m", "pytest", "-q"]
    command += ["-p", "no:cacheprovider", *PACKAGES[package].tests[sanitizer]]
    folder_of_tests = ROOT / "packages" / package
    return subprocess.run(command, cwd=folder_of_tests, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
