"""Linear Gaussian networks that were fitted to gene and plant data: the truth is exact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from activa_eval.arrays import BoolArray, FloatArray
from activa_eval.datasets.installed import Release
from activa_eval.errors import InputError
from activa_eval.gaussian import Gaussian

RELEASE = Release("pgmpy", "1.1.2")
FOLDER = "pgmpy/utils/example_models"

SOURCE = (
    "M. Scutari: Bayesian network repository, bnlearn.com; ecoli70 after J. Schaefer and K. Strimmer "
    "2005, arth150 after R. Opgen-Rhein and K. Strimmer 2007, magic-niab and magic-irri after "
    "M. Scutari, P. Howell, D. Balding and I. Mackay, Genetics 2014"
)
LICENCE = (
    "pgmpy is under the MIT licence and does not speak of the networks, which come from the Bayesian "
    "network repository: name it, and read its terms before you pass them on"
)
CAVEATS = (
    (
        "the parameters were fitted to observations and the graphs learned from them: they are models "
        "of real data, not of experiments"
    ),
    "exactly linear and Gaussian, which favours methods that assume it",
)

NETWORKS: Mapping[str, str] = {
    "ecoli70": "e3cfe98302c885deb4f13f012e9209b03ef803e718ba7ca666fb09324b2ad921",
    "magic-niab": "1694a2ccae07a5cee0a1fa9e3131f3f2d552a79c825fddecfaa996624e629d6d",
    "magic-irri": "d592e1ed92ae08d8f7152cc8cfc607089b1f19680b4df79377166bf7dd561338",
    "arth150": "96e141aa767bb2556aea2eabb835603a286d951e95646f8ae0197d679acd551a",
}
"""Names, and the SHA-256 of each file."""


@dataclass(frozen=True)
class LinearGaussianNetwork:
    """V_j = intercept_j + sum_i weights_ij V_i + noise_j over d named variables."""

    names: tuple[str, ...]
    weights: FloatArray  # (d, d): weights[i, j] for i -> j
    intercepts: FloatArray  # (d,)
    variances: FloatArray  # (d,) of the noises

    @property
    def graph(self) -> BoolArray:
        """(d, d), entry [i, j] says i -> j."""
        return np.asarray(self.weights != 0.0)

    def observational(self) -> Gaussian:
        """Return the law of all variables."""
        return self._law(self.weights, self.intercepts, self.variances)

    def interventional(self, target: int, value: float) -> Gaussian:
        """Return the law of all variables under do(V_target = value)."""
        kept = np.arange(len(self.names)) != target
        return self._law(
            self.weights * kept,
            np.where(kept, self.intercepts, value),
            np.where(kept, self.variances, 0.0),
        )

    def _law(self, weights: FloatArray, intercepts: FloatArray, variances: FloatArray) -> Gaussian:
        total = np.linalg.inv(np.eye(len(weights)) - weights)  # (i, j): what reaches j from i
        return Gaussian(intercepts @ total, (total.T * variances) @ total)


def load_network(name: str, source: str | Path | None = None) -> LinearGaussianNetwork:
    """Read a linear Gaussian network that pgmpy 1.1.2 holds.

    Parameters
    ----------
    name : {"ecoli70", "magic-niab", "magic-irri", "arth150"}
        Of 46, 44, 64 and 107 variables.
    source : str or Path, optional
        A wheel of pgmpy, or a folder in which one was unpacked; else pgmpy must be installed.

    Raises
    ------
    InputError
        If there is no such network, or pgmpy is missing or of another version:
        `pip install --no-deps pgmpy==1.1.2`.
    """
    if name not in NETWORKS:
        raise InputError(f'no network "{name}"; choose one of {", ".join(NETWORKS)}')
    held = json.loads(RELEASE.read(f"{FOLDER}/{name}.json", NETWORKS[name], source=source))
    names = tuple(held["nodes"])
    weights, intercepts = np.zeros((len(names), len(names))), np.zeros(len(names))
    variances = np.zeros(len(names))
    for place, child in enumerate(names):
        law = held["cpds"][child]
        intercepts[place], variances[place] = (
            law["coefficients"]["(Intercept)"][0],
            law["variance"][0],
        )
        for parent in law["parents"]:
            weights[names.index(parent), place] = law["coefficients"][parent][0]
    return LinearGaussianNetwork(names, weights, intercepts, variances)
