"""Benchmarks on real data: the same subsamples for every method, and a known answer to compare with.

Nothing is tuned on these; see `Suite.caveats` for what each of them does not show.
"""

from activa_eval.suites.batch import KnownEffects, beside
from activa_eval.suites.registry import SUITES, Suite

__all__ = ["SUITES", "KnownEffects", "Suite", "beside"]
