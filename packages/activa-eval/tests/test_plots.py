import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from activa_eval import InputError, Scores, compare, conditional_gaussian, eqvar, hedge, score
from activa_eval.plots import plot_calibration, plot_queries, plot_scores
from matplotlib.figure import Figure


@pytest.fixture
def scores(draw_pairs: Callable[..., SimpleNamespace]) -> dict[str, Scores]:
    methods = (conditional_gaussian, hedge, eqvar)
    return {method.__name__: score(method, draw_pairs()) for method in methods}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Every figure that is saved."""
    kept: list[Figure] = []
    save = Figure.savefig

    def savefig(self: Figure, *args: Any, **kwargs: Any) -> None:
        kept.append(self)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return kept


def test_intervals_of_every_method_stand_in_a_panel_a_metric(
    scores: dict[str, Scores], figures: list[Figure], tmp_path: Path
) -> None:
    rows = compare(scores)
    plot_scores({"first": rows, "second": rows}, tmp_path / "scores.png", highlight=("hedge",))
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG")
    first, second = figures[0].subfigs
    assert [panel.get_title() for panel in first.axes] == ["MMD", "W1", "energy distance", "NLL"]
    assert len(second.axes) == 4
    energy = first.axes[2].get_lines()
    expected = [
        row.estimate for row in rows if (row.metric, row.queries) == ("energy_distance", "all")
    ]
    drawn = [tuple(np.asarray(line.get_xdata()).tolist()) for line in energy]
    for estimate in expected:
        assert (estimate.low, estimate.high) in drawn
        assert (estimate.mean,) in drawn
    assert [label.get_text() for label in first.axes[0].get_yticklabels()] == list(scores)


def test_calibration_shows_coverage_less_level(
    scores: dict[str, Scores], figures: list[Figure], tmp_path: Path
) -> None:
    plot_calibration(scores, tmp_path / "calibration.svg")
    (legend,) = figures[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["conditional_gaussian", "hedge"]
    coverage = scores["hedge"].coverage
    assert coverage is not None
    means = figures[0].axes[0].containers[1][0].get_ydata()
    np.testing.assert_allclose(means, coverage.mean(axis=(0, 1)) - [0.5, 0.8, 0.9, 0.95])


def test_each_query_is_a_point_against_the_reference(
    scores: dict[str, Scores], figures: list[Figure], tmp_path: Path
) -> None:
    plot_queries(scores, tmp_path / "queries.pdf", versus="hedge")
    panels = [axes for axes in figures[0].axes if axes.get_visible()]
    better = scores["eqvar"].energy_distance < scores["hedge"].energy_distance
    assert panels[1].get_title() == f"eqvar: better on {100 * better.mean():.0f} %"
    points = np.concatenate([np.asarray(c.get_offsets()) for c in panels[1].collections])
    assert len(points) == scores["eqvar"].energy_distance.size
    assert set(points[:, 1]) == set(scores["eqvar"].energy_distance.ravel())


def test_what_cannot_be_drawn_is_one_sentence(scores: dict[str, Scores], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rows of mmd"):
        plot_scores([], tmp_path / "a.png")
    with pytest.raises(InputError, match="no method has coverage"):
        plot_calibration({"eqvar": scores["eqvar"]}, tmp_path / "a.png")
    with pytest.raises(InputError, match='takes "nobody"'):
        plot_queries(scores, tmp_path / "a.png", versus="nobody")
    with pytest.raises(InputError, match="end in"):
        plot_queries(scores, tmp_path / "a.txt", versus="hedge")
    with pytest.raises(InputError, match="cannot write"):
        plot_queries(scores, tmp_path / "nowhere" / "a.png", versus="hedge")
    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_a_missing_matplotlib_is_named(
    scores: dict[str, Scores], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match=r"activa-eval\[plot\]"):
        plot_calibration(scores, tmp_path / "a.png")
