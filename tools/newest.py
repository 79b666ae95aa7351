"""Which of all measurements a table shows."""

from collections.abc import Sequence
from typing import Any


def newest(results: Sequence[dict[str, Any]], suite: str) -> list[dict[str, Any]]:
    """Choose the newest full measurement of each device."""
    measured = [r for r in results if r.get("suite") == suite and not r["quick"]]
    return [*{r["device"]: r for r in sorted(measured, key=lambda r: str(r["date"]))}.values()]
