"""The Tuebingen cause-effect pairs: two columns, and common knowledge of which is the cause."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from activa_eval.arrays import FloatArray
from activa_eval.datasets.installed import Release

RELEASE = Release("cdt", "0.6.0")
MEMBER = "cdt/data/resources/Tuebingen_pairs.csv"
DIGEST = "e3726459486cf50642de62ce4ceb35669100f6867bd564863b4663546c1393cf"
LARGEST_FIELD = 2**24  # characters; a field holds a whole column

SOURCE = (
    "J. M. Mooij, J. Peters, D. Janzing, J. Zscheischler, B. Schoelkopf: Distinguishing cause from "
    "effect using observational data. Journal of Machine Learning Research 17(32), 2016"
)
LICENCE = (
    "the licence file of cdt says MIT, its metadata Apache 2.0, and neither speaks of the pairs, which "
    "come from 37 data sets with terms of their own (appendix of the paper): use them for research, "
    "and do not pass them on"
)
CAVEATS = (
    "the direction is common knowledge, not an experiment, and hidden common causes are likely",
    "pairs of one data set are not independent; `CausePair.dataset` says which belong together",
    (
        "the 99 pairs have one number a row and column; those of several numbers were left out by cdt, "
        "which numbers the others anew and puts the cause first"
    ),
    "some columns are rounded, censored or hold few distinct values",
)


@dataclass(frozen=True)
class CausePair:
    """Rows of a cause and of its effect."""

    name: str  # "pair1" and so on, as in cdt
    dataset: int  # the same number for pairs that share a column
    cause: FloatArray  # (n,)
    effect: FloatArray  # (n,)


def load_pairs(source: str | Path | None = None) -> list[CausePair]:
    """Read the 99 cause-effect pairs that cdt 0.6.0 holds.

    Parameters
    ----------
    source : str or Path, optional
        A wheel of cdt, or a folder in which one was unpacked; else cdt must be installed.

    Raises
    ------
    InputError
        If cdt is missing or of another version: `pip install --no-deps cdt==0.6.0`.
    """
    text = RELEASE.read(MEMBER, DIGEST, source=source).decode()
    limit = csv.field_size_limit(LARGEST_FIELD)
    try:
        _, *lines = csv.reader(io.StringIO(text))
    finally:
        csv.field_size_limit(limit)
    columns = [
        (
            name,
            np.array(first.split(), dtype=np.float64),
            np.array(second.split(), dtype=np.float64),
        )
        for name, first, second in lines
    ]
    datasets = _datasets([(first.tobytes(), second.tobytes()) for _, first, second in columns])
    return [
        CausePair(name, dataset, cause, effect)
        for (name, cause, effect), dataset in zip(columns, datasets, strict=True)
    ]


def _datasets(pairs: list[tuple[bytes, bytes]]) -> list[int]:
    """Number the pairs so that those which share a column, directly or not, have one number."""
    numbers = list(range(len(pairs)))
    first_with: dict[bytes, int] = {}
    for place, pair in enumerate(pairs):
        for column in pair:
            other = numbers[first_with.setdefault(column, place)]
            own = numbers[place]
            numbers = [min(own, other) if n in (own, other) else n for n in numbers]
    return numbers
