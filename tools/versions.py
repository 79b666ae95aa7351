"""Check that versions, ranges between our packages, changelogs, licences and the citation agree.

`python tools/versions.py` checks the tree; `--tag activa-sim-v0.2.0` checks a release as well.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
HEADING = re.compile(r"^## \[?(Unreleased|\d+\.\d+\.\d+)\]?", re.MULTILINE)


def main() -> int:
    """Print every disagreement; 1 if there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", help="a release tag, for example activa-sim-v0.2.0")
    tag = parser.parse_args().tag
    projects = read_projects(ROOT)
    wrong = [*ranges(projects), *changelogs(ROOT, projects), *citation(ROOT, projects)]
    wrong += licences(ROOT, projects)
    if tag is not None:
        wrong += release(ROOT, projects, tag)
    print("\n".join(wrong) or "versions, ranges, changelogs, licences and citation agree")
    return int(bool(wrong))


def read_projects(root: Path) -> dict[str, dict[str, Any]]:
    """Read the [project] table of every package, by name."""
    files = sorted(root.glob("packages/*/pyproject.toml"))
    return {file.parent.name: tomllib.loads(file.read_text())["project"] for file in files}


def ranges(projects: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Say which range of one of our packages excludes the version in this tree, or has no end."""
    for name, project in projects.items():
        extras = project.get("optional-dependencies", {}).values()
        declared = [*project.get("dependencies", []), *(line for extra in extras for line in extra)]
        for requirement in map(Requirement, declared):
            if requirement.name not in projects or requirement.name == name:
                continue
            version = projects[requirement.name]["version"]
            if version not in requirement.specifier:
                yield f"{name} asks for {requirement}, but the tree has {version}"
            if not any(part.operator == "<" for part in requirement.specifier):
                yield f"{name} asks for {requirement} without an upper bound"


def headings(root: Path, name: str) -> list[str]:
    """List the changelog's versions, newest first; none where there is no changelog."""
    changelog = root / "packages" / name / "CHANGELOG.md"
    return HEADING.findall(changelog.read_text()) if changelog.exists() else []


def unreleased(root: Path, name: str) -> str:
    """What stands under the changelog's first heading."""
    changelog = root / "packages" / name / "CHANGELOG.md"
    parts = re.split(
        r"^## .*$", changelog.read_text() if changelog.exists() else "", flags=re.MULTILINE
    )
    return parts[1].strip() if len(parts) > 1 else ""


def changelogs(root: Path, projects: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Say which changelog does not start with Unreleased, or does not lead up to the version.

    A version that is no release yet is the one that what stands under Unreleased will be.
    """
    for name, project in projects.items():
        found = headings(root, name)
        if found[:1] != ["Unreleased"]:
            yield f"{name}: the first heading of CHANGELOG.md must be '## Unreleased'"
        version = Version(project["version"])
        released = [Version(heading) for heading in found if heading != "Unreleased"]
        if released and released[0] > version:
            yield f"{name}: version {version}, but CHANGELOG.md ends at {released[0]}"
        elif version not in released and not unreleased(root, name):
            yield f"{name}: version {version}, but CHANGELOG.md says nothing of what is new in it"


def citation(root: Path, projects: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Say whether the citation names another version than activa-core, the method itself."""
    cited = re.search(r"^version: (\S+)$", (root / "CITATION.cff").read_text(), re.MULTILINE)
    version = projects["activa-core"]["version"]
    if cited is None or cited[1] != version:
        yield f"CITATION.cff must cite activa-core's version {version}"


def licences(root: Path, projects: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Say which package would be published without the licence, or with another text of it."""
    text = (root / "LICENSE").read_bytes()
    for name, project in projects.items():
        copy = root / "packages" / name / "LICENSE"
        if not copy.exists() or copy.read_bytes() != text:
            yield f"packages/{name}/LICENSE must be a copy of LICENSE: wheels carry that file"
        if "LICENSE" not in project.get("license-files", []):
            yield f"{name}: pyproject.toml must name LICENSE among its license-files"


def release(root: Path, projects: dict[str, dict[str, Any]], tag: str) -> Iterator[str]:
    """Say what keeps a tag from being a release of the package that it names."""
    name, _, version = tag.rpartition("-v")
    if name not in projects:
        yield f"tag {tag} names no package; the form is activa-sim-v0.2.0"
    elif projects[name]["version"] != version:
        yield f"tag {tag}, but {name} is at {projects[name]['version']}"
    elif version not in headings(root, name):
        yield f"tag {tag}, but {name}/CHANGELOG.md has no section for {version}"


if __name__ == "__main__":
    sys.exit(main())
