"""What each hypothesis says about the mean: the uncertainty about the mechanism."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from activa_core.mixture import GaussianMixture
from activa_core.tables import FloatArray

__all__ = ["Hypotheses", "hypotheses"]

ROUNDING = 1e-12  # of summed weights, so that 5 of 50 equal ones reach a level of 0.1


@dataclass(frozen=True, eq=False)
class Hypotheses:
    """Weighted interventional means.

    Parameters
    ----------
    weights : ndarray, shape (S,)
        Sum to one.
    means : ndarray, shape (S, d)
    """

    weights: FloatArray
    means: FloatArray

    def quantile(self, q: float) -> FloatArray:
        """Smallest mean of each column up to which the weights reach q, shape (d,)."""
        order = np.argsort(self.means, axis=0)  # (S, d)
        reached = np.cumsum(self.weights[order], axis=0)
        rank = (reached < q - ROUNDING).sum(axis=0, keepdims=True)  # (1, d)
        place = np.take_along_axis(order, rank.clip(max=len(order) - 1), axis=0)
        quantile: FloatArray = np.take_along_axis(self.means, place, axis=0)[0]
        return quantile

    def beyond(self, center: FloatArray, distance: FloatArray) -> FloatArray:
        """Weight of the means further than a distance from a center, by column: (d,)."""
        moved: FloatArray = self.weights @ (np.abs(self.means - center) > distance)
        return moved.clip(max=1.0)


def hypotheses(mixture: GaussianMixture, of: Tensor) -> Hypotheses:
    """Put the components of each hypothesis together, as they describe the shape of one law.

    Parameters
    ----------
    mixture : GaussianMixture
        One mixture of K components.
    of : Tensor, shape (K,), int64
        The hypothesis of which each component is.
    """
    weights = mixture.log_weights.exp()  # (K,)
    total = weights.new_zeros(int(of.max()) + 1).index_add(0, of, weights)  # (S,)
    moment = weights.new_zeros(len(total), mixture.means.shape[-1])  # (S, d)
    moment = moment.index_add(0, of, weights.unsqueeze(-1) * mixture.means)
    alive = total > 0  # conditioning can rule one out altogether
    return Hypotheses(total[alive].numpy(), (moment[alive] / total[alive].unsqueeze(-1)).numpy())
