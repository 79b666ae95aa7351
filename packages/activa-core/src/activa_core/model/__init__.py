"""The network of the paper (arXiv 2503.01290, Sec. 4), a file for each of its parts."""

from activa_core.model.cvae import CVAE, Evidence, count_parameters

__all__ = ["CVAE", "Evidence", "count_parameters"]
