"""One result, one JSON file, named after what was measured, on which device, at which commit."""

import argparse
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from processes import commit_here


def save(result: dict[str, Any], folder: Path, *words: str) -> Path:
    """Write a result into a folder, under a name made of the words; the path."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")
    path = folder / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return path


def save_rows(
    suite: str,
    machine: dict[str, Any],
    rows: list[dict[str, Any]],
    absent: dict[str, str],
    options: argparse.Namespace,
) -> Path:
    """Write the rows of a suite with what they were measured on and who was absent; the path."""
    device = f"{machine['processor']} {machine['instruction_set']}"
    result = {
        "suite": suite,
        "device": device,
        **machine,
        "commit": commit_here(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": options.quick,
        "rows": rows,
        "absent": absent,
    }
    return save(result, options.folder, suite, device, str(result["commit"]))
