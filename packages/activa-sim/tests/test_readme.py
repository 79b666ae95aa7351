import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_readmes_model_of_ones_own_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    (code,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
        if 'simulator("gauss-8").changed(' in block
    )
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the code is our own
    assert capsys.readouterr().out.startswith("100 models, 12 variables, 50 rows, 5 queries\n")
    assert (tmp_path / "batch.png").stat().st_size > 10_000
    assert names["truth"].moments.interv_mean.shape == (3, 5, 12)
    assert names["truth"].confounded.shape == (3, 12, 12)
