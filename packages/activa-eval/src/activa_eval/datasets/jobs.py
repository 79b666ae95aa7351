"""Job training and earnings: a randomised experiment (NSW), and people who took no part (CPS)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from activa_eval.arrays import FloatArray
from activa_eval.datasets.installed import Release
from activa_eval.errors import InputError

RELEASE = Release("causaldata", "0.1.5")
EXPERIMENT = "causaldata/nsw_mixtape/nsw_mixtape.dta"
EXPERIMENT_DIGEST = "e4a64e4436c2c178f47d6c82a371d20f1596b82b44862ce24bf13c71ac797339"
POPULATION = "causaldata/cps_mixtape/cps_mixtape.dta"
POPULATION_DIGEST = "1345a61d4f4f6ab84abd475906a86671b969b278a8ef0e96d8e8ba8e3c3556e1"

SOURCE = (
    "R. LaLonde: Evaluating the econometric evaluations of training programs with experimental "
    "data. American Economic Review 76, 1986; the sample of R. Dehejia and S. Wahba, Journal of the "
    "American Statistical Association 94, 1999"
)
LICENCE = (
    "causaldata is under the MIT licence, and says that the CPS rows are in the public domain and "
    "names the paper as owner of the NSW rows: cite it"
)
CAVEATS = (
    (
        "the experiment tells what those who took part would have earned without it, and nothing of "
        "what the others would have earned with it: only do(treat = 0) has a truth"
    ),
    (
        "earnings are heavy-tailed, many of them zero, those of the CPS cut at 25 565 dollars, and most "
        "other columns are 0 or 1"
    ),
    "one data set: intervals over its subsamples say nothing about another",
)

COLUMNS = (
    "treat", "age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75", "re78"
)  # fmt: skip


@dataclass(frozen=True)
class Jobs:
    """People in columns `COLUMNS`; earnings of 1974, 1975 and, after the training, 1978."""

    trained: FloatArray  # (185, 10) drawn by lot to be trained
    not_trained: FloatArray  # (260, 10) drawn by lot not to be
    population: FloatArray  # (15992, 10) of the CPS; nobody was trained


def load_jobs(source: str | Path | None = None) -> Jobs:
    """Read the job training data that causaldata 0.1.5 holds; needs pandas.

    Parameters
    ----------
    source : str or Path, optional
        A wheel of causaldata, or a folder in which it was unpacked; else it must be installed.

    Raises
    ------
    InputError
        If causaldata is missing or of another version:
        `pip install --no-deps causaldata==0.1.5`; or if pandas is missing.
    """
    experiment = _table(RELEASE.read(EXPERIMENT, EXPERIMENT_DIGEST, source=source))
    treated = experiment[:, COLUMNS.index("treat")] == 1.0
    return Jobs(
        trained=experiment[treated],
        not_trained=experiment[~treated],
        population=_table(RELEASE.read(POPULATION, POPULATION_DIGEST, source=source)),
    )


def _table(data: bytes) -> FloatArray:
    try:
        import pandas as pd
    except ImportError:
        raise InputError(
            'reading these data takes pandas; run pip install "activa-eval[pandas]"'
        ) from None
    table = pd.read_stata(io.BytesIO(data))
    return np.asarray(table[list(COLUMNS)], dtype=np.float64)
