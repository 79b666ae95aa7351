"""The suites by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from activa_eval.datasets import jobs, tuebingen
from activa_eval.datasets import networks as gaussian_networks
from activa_eval.datasets import sachs as proteins
from activa_eval.suites.batch import KnownEffects
from activa_eval.suites.lalonde import lalonde
from activa_eval.suites.networks import gbn_8
from activa_eval.suites.pairs import pairs_2
from activa_eval.suites.sachs import sachs


@dataclass(frozen=True)
class Suite:
    """A benchmark: how to draw it, where it comes from, and what it does not show."""

    draw: Callable[[int], KnownEffects]
    """seed -> the models and their truths; InputError if the data are not installed."""
    question: str
    reading: str
    """What to keep in mind when reading its scores."""
    unit: str
    """What is resampled for intervals."""
    source: str
    licence: str
    caveats: tuple[str, ...]


SUITES: Mapping[str, Suite] = {
    "pairs-2": Suite(
        pairs_2,
        "Tuebingen cause-effect pairs, 40 rows, do at the 10, 50 and 90 % quantile of either column",
        "the direction is common knowledge, and the truth for the cause is what was seen nearby",
        "data sets",
        tuebingen.SOURCE,
        tuebingen.LICENCE,
        (
            *tuebingen.CAVEATS,
            (
                "the truth for the cause is the observed effect in rows nearby: no better than the "
                "assumption that nothing else acts on both"
            ),
        ),
    ),
    "gbn-8": Suite(
        gbn_8,
        "8 variables of four linear Gaussian networks, 100 rows, each set to mean +- 2 sd",
        "the truth is exact, and linear and Gaussian throughout; subsets of a network overlap",
        "subsets of variables",
        gaussian_networks.SOURCE,
        gaussian_networks.LICENCE,
        gaussian_networks.CAVEATS,
    ),
    "lalonde": Suite(
        lalonde,
        "90 trained people of the NSW and 90 of the CPS, do(treat = 0)",
        "next to nothing changes, and whoever conditions compares the trained with other people",
        "subsamples",
        jobs.SOURCE,
        jobs.LICENCE,
        jobs.CAVEATS,
    ),
    "sachs": Suite(
        sachs,
        "11 proteins in 100 cells, seven reagents taken for queries",
        "a stress test: even the consensus graph (told_graph) does no better than conditioning",
        "subsamples",
        proteins.SOURCE,
        proteins.LICENCE,
        (*proteins.CAVEATS, "one data set: intervals over its subsamples say nothing of another"),
    ),
}
"""Part of `activa bench real-v1`; a change of a suite makes a new version."""
