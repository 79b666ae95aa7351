"""One result, one JSON file, named after what was measured, on which device, at which commit."""

import json
import re
from pathlib import Path
from typing import Any


def save(result: dict[str, Any], folder: Path, *words: str) -> Path:
    """Write a result into a folder, under a name made of the words; the path."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")
    path = folder / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return path
