import io
import itertools

import pytest
from activa_core.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes between two looks at the clock."""
    seconds = itertools.count(100.0)
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))


@pytest.mark.usefixtures("clock")
def test_a_terminal_sees_rate_and_time_left_on_one_line() -> None:
    stream = Terminal()
    line = ProgressLine(3610, "step", stream)
    line.show(0)
    line.show(10, lambda: ", loss 1.5")
    line.close()
    text = stream.getvalue()
    assert text.startswith("\r10/3610 steps, 10.00/s, 0:06:00 left, loss 1.5")
    assert text.count("\n") == 1


@pytest.mark.usefixtures("clock")
def test_a_file_gets_a_line_now_and_then_and_the_last_one() -> None:
    stream = io.StringIO()
    line = ProgressLine(100, "step", stream)
    for done in range(101):
        line.show(done)
    line.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[-1].startswith("100/100 steps, 1.00/s, 0:00:00 left")
