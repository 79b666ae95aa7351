"""One line on the terminal that says how far long work is, how fast, and how long it will take."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

__all__ = ["ProgressLine"]

SECONDS_BETWEEN_LINES = 30.0  # where output is not a terminal


@dataclass
class ProgressLine:
    """Rewrites one line on a terminal; elsewhere prints a line every 30 seconds."""

    total: int
    unit: str
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _start: tuple[float, int] | None = None
    _last: float = 0.0

    def show(self, done: int, note: Callable[[], str] = str) -> None:
        """Report that `done` of `total` units are finished; ask for the note if it is shown."""
        now = time.monotonic()
        if self._start is None:
            self._start = (now, done)
            return
        on_terminal = self.stream.isatty()
        wait = 0.2 if on_terminal else SECONDS_BETWEEN_LINES
        if now - self._last < wait and done < self.total:
            return
        self._last = now
        rate = (done - self._start[1]) / max(now - self._start[0], 1e-9)
        left = (self.total - done) / rate if rate > 0 else float("inf")
        text = f"{done}/{self.total} {self.unit}s, {rate:.2f}/s, {_clock(left)} left{note()}"
        self.stream.write(f"\r{text:<100}" if on_terminal else f"{text}\n")
        self.stream.flush()

    def close(self) -> None:
        """Leave the last state on its own line."""
        if self.stream.isatty():
            self.stream.write("\n")


def _clock(seconds: float) -> str:
    if seconds == float("inf"):
        return "unknown time"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
