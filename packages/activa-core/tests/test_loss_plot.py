import json
import math
from pathlib import Path
from typing import Any

import matplotlib.figure
import pytest
from activa_core.errors import InputError
from activa_core.loss_plot import plot_log


def line(step: int, held_out: float | None = None) -> str:
    report = {"step": step, "log_likelihood": -3.0 / step, "divergence": 1.0 * step}
    return json.dumps({**report, "held_out_nll": held_out}) + "\n"


def drawn_lines(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """All lines that are drawn from now on, by axes."""
    found: list[Any] = []
    save = matplotlib.figure.Figure.savefig

    def remember(self: Any, *arguments: Any, **options: Any) -> None:
        found.extend([[drawn.get_xydata().tolist() for drawn in a.lines] for a in self.axes])
        save(self, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", remember)
    return found


def test_loss_held_out_likelihood_and_divergence_are_drawn_over_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, path = tmp_path / "log.jsonl", tmp_path / "loss.png"
    log.write_text(line(1) + line(2, 0.5) + line(3) + line(4, 0.25) + '{"step": 5, "log')
    found = drawn_lines(monkeypatch)
    plot_log(log, path)
    likelihood, latent = found
    assert likelihood[0] == [[1.0, 3.0], [2.0, 1.5], [3.0, 1.0], [4.0, 0.75]]
    assert likelihood[1] == [[2.0, 0.5], [4.0, 0.25]]
    assert latent == [[[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]]]
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_first_steps_do_not_flatten_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(line(step) for step in range(1, 21)))
    top: list[float] = []
    save = matplotlib.figure.Figure.savefig

    def remember(self: Any, *arguments: Any, **options: Any) -> None:
        top.append(self.axes[0].get_ylim()[1])
        save(self, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", remember)
    plot_log(log, tmp_path / "loss.png")
    assert 1.0 < top[0] < 1.1  # the first two lines of twenty stand at 3 and 1.5


def test_a_run_without_a_finite_number_is_drawn_too(tmp_path: Path) -> None:
    log, path = tmp_path / "log.jsonl", tmp_path / "loss.png"
    log.write_text(line(1, math.inf).replace("-3.0", "NaN"))
    plot_log(log, path)
    assert path.is_file()


def test_without_a_line_nothing_is_drawn(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    plot_log(log, tmp_path / "loss.png")
    log.write_text('{"step": 5, "log')
    plot_log(log, tmp_path / "loss.png")
    assert list(tmp_path.iterdir()) == [log]


def test_a_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    for text in ("X,Y\n", '{"step": 1}\n'):
        log.write_text(text)
        with pytest.raises(InputError, match="no log of a training run"):
            plot_log(log, tmp_path / "loss.png")
