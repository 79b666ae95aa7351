"""The tool that checks versions, ranges, changelogs and licences notices what it is there to notice."""

from pathlib import Path
from typing import Any

import pytest
import versions


def project(version: str, *dependencies: str) -> dict[str, Any]:
    return {"version": version, "dependencies": list(dependencies)}


@pytest.mark.parametrize(
    ("requirement", "complaint"),
    [
        ("activa-kernels>=0.1,<0.2", None),
        ("activa-kernels[torch]>=0.1,<0.2", None),
        ("activa-kernels>=0.2,<0.3", "but the tree has 0.1.0"),
        ("activa-kernels>=0.1", "without an upper bound"),
        ("numpy", None),
    ],
)
def test_a_range_must_hold_the_version_of_the_tree(requirement: str, complaint: str | None) -> None:
    tree = {"activa-kernels": project("0.1.0"), "activa-eval": project("0.1.0", requirement)}
    found = " ".join(versions.ranges(tree))
    assert complaint in found if complaint else not found


@pytest.mark.parametrize(
    ("changelog", "complaint"),
    [
        ("# c\n\n## Unreleased\n\n## 0.2.0 (2030-01-01)\n\n## 0.1.0\n", None),
        ("# c\n\n## Unreleased\n\n- new\n\n## 0.1.0\n", None),
        ("# c\n\n## Unreleased\n\n## 0.1.0\n", "says nothing of what is new"),
        ("# c\n\n## Unreleased\n\n- new\n\n## 0.10.0\n", "ends at 0.10.0"),
        ("# c\n\n## 0.2.0\n", "first heading"),
        (None, "first heading"),
    ],
)
def test_a_changelog_must_lead_up_to_the_version(
    changelog: str | None, complaint: str | None, tmp_path: Path
) -> None:
    folder = tmp_path / "packages" / "activa-sim"
    folder.mkdir(parents=True)
    if changelog is not None:
        (folder / "CHANGELOG.md").write_text(changelog)
    found = " ".join(versions.changelogs(tmp_path, {"activa-sim": project("0.2.0")}))
    assert complaint in found if complaint else not found


@pytest.mark.parametrize(
    ("tag", "complaint"),
    [
        ("activa-sim-v0.2.0", "no section for 0.2.0"),
        ("activa-sim-v0.3.0", "is at 0.2.0"),
        ("activa-v0.2.0", "names no package"),
    ],
)
def test_a_tag_that_is_no_release_is_refused(tag: str, complaint: str, tmp_path: Path) -> None:
    found = " ".join(versions.release(tmp_path, {"activa-sim": project("0.2.0")}, tag))
    assert complaint in found


def test_the_citation_must_name_the_version_of_the_method(tmp_path: Path) -> None:
    (tmp_path / "CITATION.cff").write_text("cff-version: 1.2.0\nversion: 0.1.0\n")
    assert list(versions.citation(tmp_path, {"activa-core": project("0.2.0")}))
    assert not list(versions.citation(tmp_path, {"activa-core": project("0.1.0")}))


def test_a_package_must_carry_the_licence(tmp_path: Path) -> None:
    tree = {"activa-sim": {**project("0.1.0"), "license-files": ["LICENSE"]}}
    copy = tmp_path / "packages" / "activa-sim" / "LICENSE"
    copy.parent.mkdir(parents=True)
    (tmp_path / "LICENSE").write_text("do as you like")
    assert list(versions.licences(tmp_path, tree))
    copy.write_text("do nothing")
    assert list(versions.licences(tmp_path, tree))
    copy.write_text("do as you like")
    assert not list(versions.licences(tmp_path, tree))
    assert list(versions.licences(tmp_path, {"activa-sim": project("0.1.0")}))
