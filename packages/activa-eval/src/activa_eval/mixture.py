"""A prediction that holds several hypotheses, each with its weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from activa_eval.arrays import FloatArray


class Law(Protocol):
    """A prediction with a density."""

    def sample(self, n: int, seed: int) -> FloatArray:
        """Draw (n, d) rows."""
        ...

    def log_prob(self, rows: npt.ArrayLike) -> FloatArray:
        """Log density of the free columns of (n, d) rows."""
        ...

    def cdf(self, rows: npt.ArrayLike) -> FloatArray:
        """Marginal distribution function of each column at (n, d) rows."""
        ...


@dataclass(frozen=True)
class Mixture:
    """One of several laws, drawn anew for each row."""

    parts: Sequence[Law]
    weights: FloatArray  # (parts,), with sum one

    @classmethod
    def equal(cls, parts: Sequence[Law]) -> Mixture:
        """Give every part the same weight."""
        return cls(parts, np.full(len(parts), 1.0 / len(parts)))

    def sample(self, n: int, seed: int) -> FloatArray:
        """Draw (n, d) rows, each from a part of its own."""
        rng = np.random.default_rng(seed)
        counts, seeds = rng.multinomial(n, self.weights), rng.integers(2**63, size=len(self.parts))
        drawn = [
            part.sample(int(count), int(own))
            for part, count, own in zip(self.parts, counts, seeds, strict=True)
        ]
        return rng.permutation(np.concatenate(drawn))

    def log_prob(self, rows: npt.ArrayLike) -> FloatArray:
        """Log density of the free columns of (n, d) rows."""
        with np.errstate(divide="ignore"):  # a part without weight
            log_weights = np.log(self.weights)
        terms = [w + part.log_prob(rows) for w, part in zip(log_weights, self.parts, strict=True)]
        return np.asarray(np.logaddexp.reduce(terms, axis=0))

    def cdf(self, rows: npt.ArrayLike) -> FloatArray:
        """Marginal distribution function at (n, d) rows."""
        parts = zip(self.weights, self.parts, strict=True)
        return np.asarray(sum(w * part.cdf(rows) for w, part in parts))
