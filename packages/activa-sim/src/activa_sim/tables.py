"""Batches as tables for other tools: a pandas DataFrame, and AnnData's .h5ad for gene data."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.archive import whole
from activa_sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from activa_sim.batch import CausalBatch

OBSERVED = -1  # in place of a query's number


def to_pandas(batch: CausalBatch, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Give all rows of a batch as one table.

    Parameters
    ----------
    batch : CausalBatch
        M models of N rows, observed and under each of Q queries.
    names : sequence of str, optional
        Of the d variables; V0, V1, ... if not given.

    Returns
    -------
    DataFrame
        M (1 + Q) N rows in the order of the index (model, query, row), and a column a variable.
        A model is named by its number in the batch's index; query -1 is the observation.

    Raises
    ------
    InputError
        If pandas is not installed, or if there are not as many names as variables.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise InputError(
            "tables need pandas; install it with: pip install activa-sim[pandas]"
        ) from error
    M, Q, N, d = batch.interv.shape
    names = _names(names, d)
    rows = np.concatenate([batch.obs[:, None], batch.interv], axis=1)  # (M, 1 + Q, N, d)
    models = np.arange(M) if batch.index is None else batch.index
    levels = [models, np.arange(OBSERVED, Q), np.arange(N)]
    index = pd.MultiIndex.from_product(levels, names=["model", "query", "row"])
    return pd.DataFrame(rows.reshape(-1, d), index=index, columns=names)


def write_h5ad(batch: CausalBatch, path: str | Path, names: Sequence[str] | None = None) -> None:
    """Write the one model of a batch as AnnData, as single-cell tools read it.

    Cells are the observed rows and those under each query. `obs["targets"]` names what a cell's
    query sets, joined by "+" ("control" where it sets nothing), `obs["query"]` is its number, -1
    for the observation; `varp["graph"]` has a 1 at (i, j) for i -> j; `uns["provenance"]` is JSON.

    Raises
    ------
    InputError
        If anndata is not installed, there is more than one model, or the file cannot be written.
    """
    try:
        anndata = import_module("anndata")
    except ImportError as error:
        raise InputError(
            ".h5ad files need anndata; install it with: pip install activa-sim[h5ad]"
        ) from error
    if len(batch) != 1:
        raise InputError(f"the batch holds {len(batch)} models; choose one, as in batch[0]")
    table = to_pandas(batch, names)
    genes = np.array(table.columns)
    set_by = ["+".join(genes[targets]) or "control" for targets in batch.targets[0]]
    query = table.index.get_level_values("query").to_numpy()
    cells = {"targets": np.array([*set_by, "control"])[query], "query": query}
    table.index = [f"cell{number}" for number in range(len(table))]
    data = anndata.AnnData(table)
    for name, column in cells.items():
        data.obs[name] = column
    if batch.graphs is not None:
        data.varp["graph"] = batch.graphs[0].astype(np.int8)
    data.uns["provenance"] = json.dumps({**batch.provenance(), "index": _numbers(batch)})
    with whole(path) as place:
        data.write_h5ad(place)


def _names(names: Sequence[str] | None, d: int) -> list[str]:
    given = [f"V{j}" for j in range(d)] if names is None else [str(name) for name in names]
    if len(given) != d or len(set(given)) != d:
        raise InputError(f"{len(given)} names for {d} variables; give a different one for each")
    return given


def _numbers(batch: CausalBatch) -> list[int] | None:
    return None if batch.index is None else batch.index.tolist()
