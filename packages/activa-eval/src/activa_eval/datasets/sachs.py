"""Signalling proteins in single cells, seen undisturbed and under seven reagents."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from activa_eval.arrays import BoolArray, FloatArray
from activa_eval.datasets.installed import Release

RELEASE = Release("cdt", "0.6.0")
DATA = "cdt/data/resources/cyto_full_data.csv"
DATA_DIGEST = "fc331dcd0bc1d8765986b88cd1d23dd5a3f52e4ffc299fdf96de9d522ddf01aa"
GRAPH = "cdt/data/resources/cyto_full_target.csv"
GRAPH_DIGEST = "398bc137b2669432ef12e0c57d3783fa876c1c7e2377577d3e75410f085485f6"

SOURCE = (
    "K. Sachs, O. Perez, D. Pe'er, D. A. Lauffenburger, G. P. Nolan: Causal protein-signaling "
    "networks derived from multiparameter single-cell data. Science 308, 2005"
)
LICENCE = (
    "the licence file of cdt says MIT, its metadata Apache 2.0, and neither speaks of the data, the "
    "supplement of a paper in Science: use them for research, and do not pass them on"
)
CAVEATS = (
    (
        "an inhibitor blocks what a protein does, not how much of it is measured: no reagent sets its "
        "target's column to a value"
    ),
    (
        "reagents reach more than one protein, and PMA and b2cAMP stand in for the stimulus that all "
        "other conditions share"
    ),
    (
        "the consensus graph of cdt has the cycle PIP3 -> plcg -> PIP2 -> PIP3; its last edge is turned "
        "round here, as in the reference network of bnlearn"
    ),
    "a stress test of assumptions, not a truth to be tuned to",
)

OBSERVATIONAL = (0, 1755)
"""First row and the one after the last: the stimulus alone, and with ICAM-2."""

CONDITIONS: Mapping[str, tuple[str, int, int]] = {
    "Akt inhibitor": ("pakts473", 1755, 2666),
    "G06976": ("PKC", 2666, 3389),
    "Psitectorigenin": ("PIP2", 3389, 4199),
    "U0126": ("pmek", 4199, 4998),
    "LY294002": ("PIP3", 4998, 5847),
    "PMA": ("PKC", 5847, 6759),
    "b2cAMP": ("PKA", 6759, 7466),
}
"""What each reagent is meant to act on, its first row and the one after its last."""


@dataclass(frozen=True)
class Sachs:
    """Logarithms of the abundances of 11 proteins."""

    names: tuple[str, ...]
    observational: FloatArray  # (1755, 11)
    conditions: Mapping[str, FloatArray]  # (n, 11) each, by reagent
    targets: Mapping[str, int]  # the column that each reagent is meant to act on
    graph: BoolArray  # (11, 11) the consensus, [i, j] says i -> j


def load_sachs(source: str | Path | None = None) -> Sachs:
    """Read the protein data that cdt 0.6.0 holds.

    Parameters
    ----------
    source : str or Path, optional
        A wheel of cdt, or a folder in which one was unpacked; else cdt must be installed.

    Raises
    ------
    InputError
        If cdt is missing or of another version: `pip install --no-deps cdt==0.6.0`.
    """
    head, *lines = _lines(RELEASE.read(DATA, DATA_DIGEST, source=source))
    names, rows = tuple(head), np.log(np.array(lines, dtype=np.float64))
    graph = np.zeros((len(names), len(names)), dtype=bool)
    for cause, effect in _lines(RELEASE.read(GRAPH, GRAPH_DIGEST, source=source))[1:]:
        graph[names.index(cause), names.index(effect)] = True
    backwards = names.index("PIP2"), names.index("PIP3")
    graph[backwards], graph[backwards[::-1]] = False, True
    return Sachs(
        names=names,
        observational=rows[slice(*OBSERVATIONAL)],
        conditions={name: rows[start:stop] for name, (_, start, stop) in CONDITIONS.items()},
        targets={name: names.index(target) for name, (target, _, _) in CONDITIONS.items()},
        graph=graph,
    )


def _lines(data: bytes) -> list[list[str]]:
    return [line for line in csv.reader(io.StringIO(data.decode())) if line]
