import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from activa_sim import InputError, simulator
from activa_sim.tables import to_pandas, write_h5ad
from numpy.testing import assert_array_equal


def test_every_row_is_found_by_its_model_query_and_number() -> None:
    pytest.importorskip("pandas")
    batch = simulator("gauss-8").changed(variables=3).sample(4, 7, start=10)
    table = batch.to_pandas(["x", "y", "z"])
    assert table.shape == (4 * 4 * 7, 3)
    assert_array_equal(table.loc[(12, -1, 5)], batch.obs[2, 5])
    assert_array_equal(table.loc[(13, 1, 0), "z"], batch.interv[3, 1, 0, 2])
    assert (table.dtypes == np.float32).all()
    assert table.index.is_unique


def test_variables_and_models_without_names_are_numbered() -> None:
    pytest.importorskip("pandas")
    table = to_pandas(replace(simulator("gauss-2").sample(2, 3, start=5), index=None))
    assert list(table.columns) == ["V0", "V1"]
    assert set(table.index.get_level_values("model")) == {0, 1}


@pytest.mark.parametrize("names", [["x"], ["x", "x"], ["x", "y", "z"]])
def test_refuses_names_that_do_not_tell_the_variables_apart(names: list[str]) -> None:
    pytest.importorskip("pandas")
    with pytest.raises(InputError, match=f"{len(names)} names for 2 variables; give a different"):
        to_pandas(simulator("gauss-2").sample(1, 3), names)


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    batch = simulator("gauss-2").sample(1, 3)
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "pandas", None)  # as if it were not installed
        with pytest.raises(InputError, match=r"install it with: pip install activa-sim\[pandas\]"):
            to_pandas(batch)
    monkeypatch.setitem(sys.modules, "anndata", None)
    with pytest.raises(InputError, match=r"install it with: pip install activa-sim\[h5ad\]"):
        write_h5ad(batch, tmp_path / "a.h5ad")


def test_single_cell_tools_read_what_is_written(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its imports, which are not ours
        anndata = pytest.importorskip("anndata")
    batch = simulator("sergio").sample(3, 5)
    genes = [f"gene{j}" for j in range(8)]
    write_h5ad(batch[1], tmp_path / "a.h5ad", genes)
    data = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert data.shape == (45, 8)
    assert list(data.var_names) == genes
    assert_array_equal(data.X[:5], batch.obs[1])
    assert_array_equal(data[data.obs["targets"] == "gene3"].X, batch.interv[1, 3])
    assert (data.obs["targets"] == "control").sum() == 5
    assert batch.graphs is not None
    assert_array_equal(data.varp["graph"], batch.graphs[1])
    assert json.loads(data.uns["provenance"])["index"] == [1]
    assert [*tmp_path.iterdir()] == [tmp_path / "a.h5ad"]
    with pytest.raises(InputError, match=r"the batch holds 3 models; choose one, as in batch\[0\]"):
        write_h5ad(batch, tmp_path / "b.h5ad")
    with pytest.raises(InputError, match=r"cannot write .*b\.h5ad"):
        write_h5ad(batch[0], tmp_path / "missing" / "b.h5ad")
