from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pytest
from activa_cli.experiments import Row
from activa_cli.samples import PANELS, draw_samples, questions
from activa_core import Activa
from activa_sim import simulator


@pytest.mark.parametrize("preset", ["gauss-2", "gauss-8"])
def test_half_of_the_questions_have_an_effect_and_each_is_of_another_model(preset: str) -> None:
    batch = simulator(preset).sample(20, 15, seed=0, split="test")
    chosen, graphs = questions(batch), batch.graphs
    assert graphs is not None
    assert len({q.model for q in chosen}) == len(chosen) == PANELS
    assert [q.effect for q in chosen] == [True] * (PANELS // 2) + [False] * (PANELS // 2)
    for q in chosen:
        assert batch.targets[q.model, q.query, q.target]
        assert bool(graphs[q.model, q.target].any()) is q.effect
        moved = batch.interv[q.model, q.query] != batch.obs[q.model]
        assert (q.columns[0] == q.target) is (preset == "gauss-2")
        if preset == "gauss-8" and q.effect:
            assert moved[:, q.columns[0]].any()


def test_predicted_rows_stand_over_as_many_true_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    save = matplotlib.figure.Figure.savefig

    def remember(self: Any, *arguments: Any, **options: Any) -> None:
        drawn.extend([np.asarray(c.get_offsets()) for c in a.collections] for a in self.axes)
        save(self, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", remember)
    path = tmp_path / "samples.png"
    model = Activa.from_pretrained("gauss-2")
    draw_samples({Row.gauss_2: model}, path, draws=3, seed=0)
    batch = simulator("gauss-2").sample(50, 40, seed=0, split="test")
    assert len(drawn) == PANELS
    for question, (observed, true, predicted) in zip(questions(batch), drawn, strict=True):
        columns = list(question.columns)
        np.testing.assert_array_equal(observed, batch.obs[question.model][:, columns])
        rows = batch.interv[question.model, question.query][:, columns]
        np.testing.assert_array_equal(true, rows)
        assert predicted.shape == (40, 2)
        assert abs(predicted[:, 0].mean() - 5.0) < 1.0
    assert path.read_bytes().startswith(b"\x89PNG")
