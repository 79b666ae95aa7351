"""Every check of the project; `nox -l` lists them, `nox -s tests` is the gate."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox
from packaging.requirements import Requirement
from packaging.version import Version

nox.needs_version = ">=2026.1"
nox.options.default_venv_backend = "virtualenv"  # one backend, the same everywhere
nox.options.sessions = ["tests", "lint", "types", "build"]
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
DIST = ROOT / "dist"
REPOSITORY = nox.project.load_toml(ROOT / "pyproject.toml")
PROJECTS = {p.parent.name: nox.project.load_toml(p) for p in ROOT.glob("packages/*/pyproject.toml")}
SOURCES = os.pathsep.join(str(ROOT / "packages" / package / "src") for package in sorted(PROJECTS))
# one thread a process: small tensors gain nothing from more, and sums come out the same everywhere
QUIET = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}


# whose files tests read and never import: what they need themselves is not needed here
DATA = ("causaldata==0.1.5", "cdt==0.6.0", "pgmpy==1.1.2")
AVICI = "avici==1.0.7"  # of which only the simulator is looked at
TORCH = ("torch", "triton")  # of which even `minimums` takes the release in constraints.txt


def with_ours(package: str) -> list[str]:
    """Name a package and those of ours it declares, so that pip needs no release of them."""
    declared = (Requirement(r).name for r in PROJECTS[package]["project"].get("dependencies", []))
    ours = [below for name in declared if name in PROJECTS for below in with_ours(name)]
    return list(dict.fromkeys([*ours, package]))


ORDER = sorted(PROJECTS, key=lambda package: (len(with_ours(package)), package))


def group(project: dict[str, object], name: str) -> tuple[str, ...]:
    """Requirements of a dependency group."""
    return nox.project.dependency_groups(project, name)


def artifacts(package: str, suffix: str) -> list[Path]:
    """List what dist/ holds of a package."""
    return sorted(DIST.glob(f"{package.replace('-', '_')}-*{suffix}"))


def fingerprint(package: str) -> str:
    """Digest all that a wheel depends on: the package's files, the interpreter, the CUDA switch."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    folder = f"packages/{package}"
    names = subprocess.run([*listing, folder], cwd=ROOT, check=True, capture_output=True).stdout
    switch = os.environ.get("ACTIVA_CUDA", "AUTO")
    digest = hashlib.sha256(f"{sys.implementation.cache_tag} {sys.platform} {switch}".encode())
    for name in sorted(set(names.decode().split("\0")) - {""}):
        if (ROOT / name).is_file():
            digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()


def install(session: nox.Session, package: str, *others: str) -> None:
    """Install the wheels of a package and of those of ours it declares, then what they need."""
    ours = [str(artifacts(name, ".whl")[0]) for name in with_ours(package)]
    session.install("--no-deps", "--force-reinstall", *ours)  # a reused environment has old ones
    session.install(*ours, *others, "-c", "constraints.txt", "--find-links", str(DIST))


@nox.session(reuse_venv=True)
def wheels(session: nox.Session) -> None:
    """Build each package's sdist, and its wheel from that, into dist/, where sources changed."""
    stamps = {package: DIST / f"{package}.sha256" for package in ORDER}
    for package, stamp in stamps.items():
        digest = fingerprint(package)
        if artifacts(package, ".whl") and stamp.exists() and stamp.read_text() == digest:
            session.log(f"{package}: dist/ is up to date")
            continue
        for old in [*artifacts(package, ""), stamp]:
            old.unlink(missing_ok=True)
        session.install("build")
        session.run("python", "-m", "build", "--outdir", str(DIST), f"packages/{package}")
        stamp.write_text(digest)


@nox.session(requires=["wheels"])
@nox.parametrize("package", ORDER, ids=ORDER)
def tests(session: nox.Session, package: str) -> None:
    """Test one package where nothing is installed but what it declares; the last, end to end."""
    folders = [f"packages/{package}/tests"]
    if package == "activa-cli":  # it declares all the others
        install_everything(session)
        folders += ["tests", "packages/activa-eval/tests"]  # eval's again, where there is torch
    else:
        install(session, package, *group(PROJECTS[package], "test"))
    doctests = ["--doctest-modules", "--pyargs", package.replace("-", "_")]
    if package == "activa-eval":  # of which one module is for those who have torch
        doctests += ["--doctest-ignore-import-errors"]
    fast = ["-m", "not slow and not gpu"]
    session.run("pytest", "-c", "pyproject.toml", *folders, *doctests, *fast, *session.posargs, env=QUIET)  # fmt: skip


def install_everything(session: nox.Session, *others: str) -> None:
    """Install all packages and the test requirements of each."""
    tested = [requirement for p in ORDER for requirement in group(PROJECTS[p], "test")]
    needed = [*tested, *group(REPOSITORY, "end-to-end"), *others]
    install(session, "activa-cli", *dict.fromkeys(needed))


@nox.session(name="tests-slow", requires=["wheels"])
def tests_slow(session: nox.Session) -> None:
    """Run the tests marked slow, of all packages, on real data too."""
    install_everything(session)
    session.install("--no-deps", *DATA, AVICI)
    session.run("pytest", "-c", "pyproject.toml", "packages", "tests", "-m", "slow and not gpu",
                *session.posargs, env=QUIET)  # fmt: skip


@nox.session(requires=["wheels"])
def peers(session: nox.Session) -> None:
    """Hold activa-eval's numbers to those of dcor, hyppo, POT, scikit-learn and SciPy."""
    project = PROJECTS["activa-eval"]
    install(session, "activa-eval", *group(project, "test"), *group(project, "peers"))
    tests = "packages/activa-eval/tests/test_peers.py"
    session.run("pytest", "-c", "pyproject.toml", tests, "-m", "slow", *session.posargs, env=QUIET)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, the direction of imports, versions, and the tables in the documents."""
    session.install(*group(REPOSITORY, "lint"), "-c", "constraints.txt")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", env={"PYTHONPATH": SOURCES})
    session.run("python", "tools/versions.py")
    session.run("python", "tools/readme_tables.py", "--check")


@nox.session(requires=["wheels"])
def types(session: nox.Session) -> None:
    """Check the types of all packages with their tests, the tools and this file."""
    install_everything(session, *group(REPOSITORY, "types"), "nox")
    for package in ORDER:
        folder = f"packages/{package}"
        session.run("mypy", f"{folder}/src", f"{folder}/tests", env={"MYPYPATH": f"{folder}/tests"})
    scripts = {"MYPYPATH": os.pathsep.join(["benchmarks", "tools"])}  # which import each other
    session.run("mypy", "tests", "examples", "benchmarks", "tools", "noxfile.py", env=scripts)


@nox.session(requires=["wheels"])
def h5ad(session: nox.Session) -> None:
    """Test files for single-cell tools; anndata wants an older pandas than constraints.txt has."""
    wheel = str(artifacts("activa-sim", ".whl")[0])
    session.install("--no-deps", "--force-reinstall", wheel)
    session.install(f"{wheel}[h5ad]", *group(PROJECTS["activa-sim"], "test"))
    session.run("python", "-c", "import anndata")  # without which the tests would be skipped
    session.run("pytest", "-c", "pyproject.toml", "packages/activa-sim/tests/test_tables.py",
                *session.posargs, env=QUIET)  # fmt: skip


@nox.session(requires=["wheels"])
def build(session: nox.Session) -> None:
    """Install the wheels, each built from its sdist, in a fresh environment and try them."""
    for package in ORDER:
        session.log(f"{package}: {', '.join(path.name for path in artifacts(package, ''))}")
    install(session, "activa-cli")
    session.run("python", "-m", "pip", "check")
    session.run("activa", "info")
    session.run("activa", "predict", "--help", silent=True)


@nox.session(requires=["wheels"])
def quickstart(session: nox.Session) -> None:
    """Answer the README's question: what would changing one column do to the other?"""
    install(session, "activa-cli")
    out = ROOT / "runs" / "quickstart"
    out.mkdir(parents=True, exist_ok=True)
    table = "examples/german_weather/altitude_temperature.csv"
    for query in ("altitude=1000", "temperature=4"):
        picture = out / f"do_{query.replace('=', '_')}.png"
        session.run("activa", "predict", table, "--do", query, "--plot", str(picture))


@nox.session(requires=["wheels"])
def examples(session: nox.Session) -> None:
    """Run the examples as a user would."""
    install(session, "activa-cli")
    for script in sorted(ROOT.glob("examples/*/ask.py")):
        session.run("python", str(script), env=QUIET)


@nox.session(name="compile-gpu", requires=["wheels"])
def compile_gpu(session: nox.Session) -> None:
    """Compile the GPU kernels for sm_80 and sm_90; needs no device."""
    install(session, "activa-kernels", *group(PROJECTS["activa-kernels"], "test"))
    if shutil.which("nvcc") is None:
        session.install("nvidia-cuda-nvcc>=13.5; sys_platform == 'linux'")
    session.run("python", "tools/compile_gpu.py", *session.posargs)


@nox.session(requires=["wheels"])
def bench(session: nox.Session) -> None:
    """Time kernels (`nox -s bench -- kernels --save`, `profile`), simulators (`sim`), `eval`."""
    install_everything(session)
    asked = session.posargs or ["kernels"]
    if "sim" in asked:
        for package in ("sempler", "causal-playground", "sergio_rs"):  # absent where pip has none
            session.install(package, "-c", "constraints.txt", success_codes=[0, 1])
        session.install("--no-deps", AVICI, success_codes=[0, 1])
    if "eval" in asked:
        for package in ("dcor", "hyppo", "scikit-learn"):
            session.install(package, "-c", "constraints.txt", success_codes=[0, 1])
    session.run("python", "benchmarks/run.py", *asked)


@nox.session(requires=["wheels"])
def gpu(session: nox.Session) -> None:
    """Run the tests that need a CUDA device, then time the kernels there, into a file to commit."""
    install_everything(session)
    asked = ("python", "-c", "import torch; print(torch.cuda.is_available())")
    if "True" not in str(session.run(*asked, silent=True)):
        session.error("there is no CUDA device here, or torch was built without CUDA")
    session.run("pytest", "-c", "pyproject.toml", "packages", "-m", "gpu", *session.posargs)
    session.run("python", "benchmarks/run.py", "kernels", "--device", "cuda", "--save")
    session.run("python", "benchmarks/device_distances.py", "--save")
    session.run("python", "tools/readme_tables.py")


def minimum_versions() -> dict[str, str]:
    """Return the lowest version of each requirement that our packages or their tests declare."""
    found: dict[str, str] = {}
    for project in PROJECTS.values():
        for line in [*project["project"].get("dependencies", []), *group(project, "test")]:
            requirement = Requirement(line)
            lowest = [part.version for part in requirement.specifier if part.operator == ">="]
            if requirement.name not in PROJECTS and lowest:
                found[requirement.name] = max(
                    found.get(requirement.name, "0"), *lowest, key=Version
                )
    return found


@nox.session(requires=["wheels"])
def minimums(session: nox.Session) -> None:
    """Test all packages with the lowest versions they declare; torch and triton are CI's."""
    pins = minimum_versions()
    ours = [str(artifacts(package, ".whl")[0]) for package in ORDER]
    lowest = [f"{name}=={version}" for name, version in pins.items() if name not in TORCH]
    tried = (ROOT / "constraints.txt").read_text().splitlines()
    lowest += [f"{line}; sys_platform == 'linux'" for line in tried if line.startswith(TORCH)]
    tested = [requirement for p in ORDER for requirement in group(PROJECTS[p], "test")]
    session.install("--no-deps", "--force-reinstall", *ours)
    session.install(*ours, *tested, *lowest, "--find-links", str(DIST))
    session.run("pytest", "-c", "pyproject.toml", *(f"packages/{package}/tests" for package in ORDER),
                "-m", "not slow and not gpu", "-W", "default",  # old releases warn of each other
                *session.posargs, env=QUIET)  # fmt: skip


@nox.session
def sanitize(session: nox.Session) -> None:
    """Run the tests of compiled code under sanitizers; takes GCC on Linux, and some minutes."""
    needed = ["cmake", "ninja", "numpy", "pybind11"]
    tested = [r for p in ("activa-kernels", "activa-sim") for r in group(PROJECTS[p], "test")]
    session.install(*dict.fromkeys(tested), *needed, "-c", "constraints.txt")
    session.run("python", "tools/sanitize.py", *session.posargs)


@nox.session(requires=["wheels"])
@nox.parametrize("package", ["activa-eval", "activa-sim"], ids=["activa-eval", "activa-sim"])
def downstream(session: nox.Session, package: str) -> None:
    """Install a ten-line project that depends on one package only, and run it without torch."""
    project = f"uses_{package.removeprefix('activa-')}"
    install(session, package, f"./tests/downstream/{project}")
    session.run("python", "-m", project)
    session.run("python", "-c", "import importlib.util as i; assert i.find_spec('torch') is None")
