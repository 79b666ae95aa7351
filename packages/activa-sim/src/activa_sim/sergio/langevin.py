"""Expression of genes as a chemical Langevin equation, with or without perturbations.

Gene j of a cell gains P_j and loses D_j = decay x_j:

    dx_j = (P_j - D_j) dt + amplitude sqrt(P_j + D_j) dW,   x_j >= 0
    P_j  = f_j sum_i strength_ij H_ij(x_i)                  with regulators i, or
    P_j  = f_j basal_j                                      without
    H    = x^n / (h^n + x^n) for an activator, 1 - that for a repressor

where f_j is 1, or the factor of a perturbation, and h_i the mean of gene i over cells and cell
types. Genes are simulated level by level, regulators first (Dibaeinia & Sinha, SERGIO, 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np

from activa_sim.backend import native
from activa_sim.rng import Site
from activa_sim.sergio.levels import levels
from activa_sim.sergio.native import fill_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams
    from activa_sim.sergio.cells import IndependentCells, TrajectoryCells
    from activa_sim.sergio.kinetics import Rates

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]

HalfResponse = Literal["per_condition", "wild_type"]
Noise = Literal["dpd", "sp", "spd"]
DT = 0.01


class Laws(TypedDict):
    """The laws that `expression` takes by name."""

    cells: TrajectoryCells | IndependentCells
    half_response: HalfResponse
    noise: Noise


@dataclass(frozen=True)
class Genes:
    """G genes of one level, each of some model."""

    model: IntArray  # (G,)
    gene: IntArray  # (G,)


def expression(
    graphs: BoolArray,
    rates: Rates,
    factors: FloatArray,
    streams: Streams,
    n: int,
    *,
    cells: TrajectoryCells | IndependentCells,
    half_response: HalfResponse,
    noise: Noise,
) -> FloatArray:
    """Draw n cells of every model, condition and cell type.

    Parameters
    ----------
    graphs : ndarray of bool, shape (M, d, d)
        graphs[m, i, j] says that i regulates j; acyclic.
    rates : Rates
        Of C cell types.
    factors : ndarray, shape (M, R, d)
        What multiplies the production of each gene in R conditions; the first is the wild type.
    streams : Streams
        One a model.
    n : int
        Cells N of each model, condition and cell type.
    cells, half_response, noise
        As in `SergioConfig`.

    Returns
    -------
    ndarray, shape (M, d, R, C, N)

    Notes
    -----
    Compiled code computes in float32 what NumPy does in float64, from the same random words.
    """
    (M, R, d), C = factors.shape, rates.basal.shape[-1]
    library = native()
    if library is not None:
        table = np.empty((M, R, C * n, d), dtype=np.float32)
        laws: Laws = {"cells": cells, "half_response": half_response, "noise": noise}
        fill_rows([table], library, graphs, rates, factors, streams, n, shuffled=False, **laws)
        return np.moveaxis(table.reshape(M, R, C, n, d).astype(np.float64), -1, 1)
    level, ages = levels(graphs), cells.ages(streams, R, n)
    top = int(level.max(initial=0))
    # what a regulator's activated targets see of it, through time and at its mean
    course = np.empty((cells.points(top, n), M, d, R, C, cells.paths(n)))
    at_mean = np.empty((1, M, d, R, C, 1))
    seen = np.empty((M, d, R, C, n))
    for here in range(top, -1, -1):
        genes = Genes(*np.nonzero(level == here))
        points = cells.points(here, n)
        start = _production(at_mean, genes, graphs, rates, factors)
        start /= rates.decay[genes.model, None, None, None]  # (1, G, R, C, 1)
        gain = _production(course[: points - 1], genes, graphs, rates, factors)
        kicks = _kicks(genes, rates, streams, gain.shape)
        x = _integrate(start[0], gain, kicks, rates.decay[genes.model], noise)  # (T, G, R, C, B)
        cell = cells.pick(x, ages[genes.model])  # (G, R, C, N)
        seen[genes.model, genes.gene] = cell
        if here > 0:
            mean = _mean_of_last(cell)  # (G, R, C)
            half = _mean_of_last(mean)  # (G, R)
            if half_response == "wild_type":
                half = np.repeat(half[:, :1], R, axis=1)
            hill = rates.hill[genes.model]
            course[:points, genes.model, genes.gene] = _saturation(x, half, hill)
            at_mean[:, genes.model, genes.gene] = _saturation(mean[None, ..., None], half, hill)
    return seen


def _production(
    saturation: FloatArray, genes: Genes, graphs: BoolArray, rates: Rates, factors: FloatArray
) -> FloatArray:
    """P of every gene, (T, G, R, C, B), from its regulators' saturation (T, M, d, R, C, B)."""
    T, _, d, R, C, B = saturation.shape
    model, gene = genes.model, genes.gene
    gain = np.zeros((T, len(gene), R, C, B))
    free = ~graphs[model, :, gene].any(axis=1)
    gain[:, free] = rates.basal[model[free], gene[free]][:, None, :, None]
    for i in range(d):
        place = np.nonzero(graphs[model, i, gene])[0]
        if place.size:
            m, j = model[place], gene[place]
            share = saturation[:, m, i]  # (T, G', R, C, B), a copy
            represses = ~rates.activates[m, i, j]
            share[:, represses] = 1.0 - share[:, represses]
            share *= rates.strength[m, i, j, None, None, None]
            gain[:, place] += share
    gain *= factors[model, :, gene][:, :, None, None]
    return gain


def _saturation(x: FloatArray, half: FloatArray, hill: FloatArray) -> FloatArray:
    """x^n / (h^n + x^n), 0 where x is 0: x (T, G, R, C, B), h (G, R), n (G,)."""
    power = _power(x, hill[:, None, None, None])
    total = power + _power(half, hill[:, None])[:, :, None, None]
    np.divide(power, total, out=power, where=total > 0.0)
    return power


def _power(x: FloatArray, exponent: FloatArray) -> FloatArray:
    """Power of x; numpy's own has other last bits in other layouts where the exponent is 2."""
    logarithm = np.log(x, out=np.full_like(x, -np.inf), where=x > 0.0)
    logarithm *= exponent
    return np.exp(logarithm, out=logarithm)


def _kicks(genes: Genes, rates: Rates, streams: Streams, shape: tuple[int, ...]) -> FloatArray:
    """Normal numbers times amplitude and the root of the time step, shape (T, G, R, C, B).

    The axes of a stream are the gene and, joined, condition and cell type; a stream holds one
    trajectory after the other, each in blocks of its own.
    """
    T, G, R, C, B = shape
    length = -(-T // 4) * 4
    at = streams.at(Site.LANGEVIN, range(rates.strength.shape[-1]), range(R * C))
    normal = at[genes.model, genes.gene].normal(B * length).reshape(G, R, C, B, length)
    kicks = np.ascontiguousarray(np.moveaxis(normal, -1, 0)[:T])
    kicks *= np.sqrt(DT) * rates.noise_amplitude[genes.model, None, None, None]
    return kicks


def _integrate(
    start: FloatArray, gain: FloatArray, kicks: FloatArray, decay: FloatArray, noise: Noise
) -> FloatArray:
    """Euler-Maruyama steps: start (G, R, C, 1), gain and kicks (T - 1, G, R, C, B), to (T, ...)."""
    x = np.empty((len(gain) + 1, *gain.shape[1:]))
    x[0] = start
    rate = decay[:, None, None, None]
    for t, (gained, kick) in enumerate(zip(gain, kicks, strict=True)):
        lost = rate * x[t]
        if noise == "dpd":  # two independent normals with these variances are one with their sum
            size = np.sqrt(gained + lost)
        elif noise == "sp":
            size = np.sqrt(gained)
        else:
            size = np.sqrt(gained) + np.sqrt(lost)
        step = DT * (gained - lost) + kick * size
        np.maximum(x[t] + step, 0.0, out=x[t + 1])
    return x


def _mean_of_last(numbers: FloatArray) -> FloatArray:
    """Mean over the last axis, summed from first to last whatever the shape."""
    total = numbers[..., 0].copy()
    for place in range(1, numbers.shape[-1]):
        total += numbers[..., place]
    total /= numbers.shape[-1]
    return total
