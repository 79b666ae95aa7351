"""Data with known answers to interventions, read from packages that the user has installed.

Nothing is downloaded, nothing of others is shipped, and none of those packages is imported.
`LICENCE` and `CAVEATS` of each module say what may be done with its data and what they do not show.
"""

from activa_eval.datasets.jobs import Jobs, load_jobs
from activa_eval.datasets.networks import NETWORKS, LinearGaussianNetwork, load_network
from activa_eval.datasets.sachs import Sachs, load_sachs
from activa_eval.datasets.tuebingen import CausePair, load_pairs

__all__ = [
    "NETWORKS",
    "CausePair",
    "Jobs",
    "LinearGaussianNetwork",
    "Sachs",
    "load_jobs",
    "load_network",
    "load_pairs",
    "load_sachs",
]
