"""Mechanisms that are linear in causes and noise, however they are scaled: their coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activa_sim.mechanisms.assorted import Assorted
from activa_sim.mechanisms.law import NO_MECHANISM
from activa_sim.mechanisms.linear import Linear
from activa_sim.mechanisms.mixed import Mixed
from activa_sim.regimes import CALIBRATION, OBSERVED
from activa_sim.rng import Site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.mechanisms import Mechanism
    from activa_sim.regimes import Model
    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Affine:
    """V_j = offset_j + sum_i b_ij V_i + scale_j noise_j of M models of d variables."""

    weights: FloatArray  # (M, d, d), entry [m, i, j] of i -> j
    offsets: FloatArray  # (M, d)
    scales: FloatArray  # (M, d)


def is_affine(mechanism: Mechanism) -> bool:
    """Whether a drawn mechanism is linear, once its calibration rows have scaled it."""
    if isinstance(mechanism, Assorted):
        return bool(np.isin(mechanism.families, ["linear", NO_MECHANISM]).all())
    if isinstance(mechanism, Mixed):
        return all(is_affine(part) for part in mechanism.mechanisms)
    return isinstance(mechanism, Linear)


def affine(model: Model, streams: Streams) -> Affine:
    """Read the coefficients off what the mechanism makes of no cause, of unit causes and noise.

    The model's mechanism must be affine and its variables continuous.
    """
    mechanism = model.mechanism
    M, d = model.graphs.shape[:2]
    if isinstance(mechanism, Linear):
        return Affine(mechanism.weights, np.zeros((M, d)), mechanism.scales)
    extra = mechanism.calibration
    at_calibration = streams.at(Site.NOISE, range(d), range(CALIBRATION, OBSERVED))
    eps = np.zeros((M, d, extra + d + 2))
    eps[:, :, :extra] = model.noise.sample(at_calibration, extra)[:, :, 0]
    eps[:, :, -1] = 1.0
    x = np.zeros_like(eps)
    x[:, :, extra : extra + d] = np.eye(d)
    weights, offsets, scales = np.zeros((M, d, d)), np.zeros((M, d)), np.zeros((M, d))
    for j in range(d):
        made = mechanism.child(j, x, eps[:, j])  # (M, extra + d + 2)
        x[:, j, :extra] = made[:, :extra]
        offsets[:, j] = made[:, -2]
        weights[:, :, j] = made[:, extra : extra + d] - made[:, -2, None]
        scales[:, j] = made[:, -1] - made[:, -2]
    return Affine(weights, offsets, scales)
