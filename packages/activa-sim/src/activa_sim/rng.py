"""Counter-based random numbers: every model has streams of its own, whatever the batch.

Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) maps a
key and a counter of four 32-bit words to four random words. The key is the seed; the counter

    word 0   block of four numbers within the stream
    word 1   site (6 bits), split (2), attempt (6), branch (2), high part of the model (16)
    word 2   low part of the model's index
    word 3   first axis (16 bits), second axis (16): a variable and a regime, or two variables

names one place in one model, so that no number depends on who asks first, or for how many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from activa_sim.backend import instruction_set, native, threads
from activa_sim.errors import InputError
from activa_sim.philox import LOW, philox

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from activa_sim.philox import Lanes, WordArray

    FloatArray = NDArray[np.float64]
    T = TypeVar("T", bound=np.generic)

SPLITS = ("train", "validation", "test")
MAX_MODELS = 1 << 48
MAX_ATTEMPTS = 64


class Site(IntEnum):
    """What a random number is for; numbers of two sites are independent."""

    GRAPH = 0
    PERMUTATION = 1
    MECHANISM = 2
    NOISE_LAW = 3
    NOISE = 4
    QUERY = 5
    JITTER = 6
    LINK = 7
    SPREAD = 8
    LAW = 9
    LEVELS = 10
    TARGETS = 11
    QUERY_LAW = 12
    LATENT = 13
    # gene regulation, counted from the other end
    MODULE = 63
    ROOT = 62
    STRENGTH = 61
    SIGN = 60
    BASAL = 59
    KINETICS = 58
    LANGEVIN = 57
    CELL = 56
    ROW = 55
    PERTURBATION = 54
    TECHNICAL = 53
    OUTLIER = 52
    LIBRARY = 51
    DROPOUT = 50
    COUNT = 49


@dataclass(frozen=True)
class Streams:
    """An array of independent random streams.

    Drawing n numbers gives an array of shape `(*shape, n)`. Its first numbers do not change with
    n, nor with what other streams the array holds.
    """

    key: int
    word1: WordArray
    word2: WordArray
    word3: WordArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of streams."""
        return self.word1.shape

    def at(self, site: Site, *axes: range) -> Streams:
        """Streams of a site of these models, with up to two new axes, shape (M, *axes)."""
        word3 = np.zeros((), dtype=np.uint64)
        for place, axis in enumerate(axes):
            number = np.arange(axis.start, axis.stop, dtype=np.uint64)
            word3 = word3[..., None] | (number << np.uint64(16 * place))
        new = (...,) + (None,) * len(axes)
        words = np.broadcast_arrays(self.word1[new] | np.uint64(site), self.word2[new], word3)
        return Streams(self.key, *words)

    def branch(self, number: int) -> Streams:
        """Streams of the same places that are independent of these; number is 1, 2 or 3."""
        return replace(self, word1=self.word1 | np.uint64(number << 14))

    def __getitem__(self, index: Any) -> Streams:
        """Choose streams, as one indexes an array."""
        return Streams(self.key, self.word1[index], self.word2[index], self.word3[index])

    def words(self, n: int) -> NDArray[np.uint32]:
        """Draw 32-bit words, shape (*shape, n)."""
        library = native()
        if library is not None:
            drawn: NDArray[np.uint32] = self._native(library.words, n)
            return drawn
        return _in_order([lane.astype(np.uint32) for lane in self._blocks(n)], n)

    def uniform(self, n: int) -> FloatArray:
        """Draw from the open interval (0, 1), shape (*shape, n)."""
        return to_unit(self.words(n))

    def normal(self, n: int) -> FloatArray:
        """Draw from N(0, 1) by Box-Muller on lanes (0, 1) and (2, 3), shape (*shape, n)."""
        library = native()
        if library is not None:
            drawn: FloatArray = self._native(library.normals, n)
            return drawn
        lanes = [to_unit(lane) for lane in self._blocks(n)]
        numbers = []
        for first, second in (lanes[:2], lanes[2:]):
            radius, angle = np.sqrt(-2.0 * np.log(first)), 2.0 * np.pi * second
            numbers += [radius * np.cos(angle), radius * np.sin(angle)]
        return _in_order(numbers, n)

    def gamma(self, concentration: FloatArray, n: int) -> FloatArray:
        """Draw from Gamma(concentration, scale 1), concentration (*shape,), shape (*shape, n).

        Number e takes the four lanes of block e; a refused one asks again at the next attempt.
        """
        alpha = np.broadcast_to(concentration, self.shape).reshape(-1)
        library = native()
        if library is not None:
            drawn: FloatArray = self._native(library.gammas, n, np.ascontiguousarray(alpha))
            return drawn
        word1, word2, word3 = (w.reshape(-1) for w in (self.word1, self.word2, self.word3))
        out = np.empty((alpha.size, n))
        stream, element = (i.reshape(-1) for i in np.indices(out.shape))
        for attempt in range(MAX_ATTEMPTS):
            places = element.astype(np.uint64), word1[stream] | np.uint64(attempt << 8)
            lanes = philox(self.key, *places, word2[stream], word3[stream])
            proposal, accepted = _marsaglia_tsang(alpha[stream], lanes)
            out[stream[accepted], element[accepted]] = proposal[accepted]
            stream, element = stream[~accepted], element[~accepted]
            if not stream.size:
                return out.reshape(*self.shape, n)
        raise AssertionError("a proposal that is accepted 19 times in 20 was refused 64 times")

    def beta(self, a: FloatArray, b: FloatArray, n: int) -> FloatArray:
        """Draw from Beta(a, b), a and b (*shape,) of 0.1 or more, shape (*shape, n)."""
        first, second = self.gamma(a, n), self.branch(1).gamma(b, n)
        return first / (first + second)

    def _native(self, draw: Callable[..., Any], n: int, *parameters: FloatArray) -> Any:
        """Draw by compiled code, shape (*shape, n)."""
        words = (np.ascontiguousarray(w).reshape(-1) for w in (self.word1, self.word2, self.word3))
        numbers = draw(self.key, *words, *parameters, n, instruction_set(), threads())
        return numbers.reshape(*self.shape, n)

    def _blocks(self, n: int) -> Lanes:
        """Draw the blocks that hold n numbers: four lanes of shape (*shape, ceil(n / 4))."""
        counter = np.arange(-(-n // 4), dtype=np.uint64)
        return philox(
            self.key, counter, self.word1[..., None], self.word2[..., None], self.word3[..., None]
        )


def model_streams(seed: int, split: str, start: int, models: int) -> Streams:
    """Give one stream to each of the models start, start + 1, ... of a split, shape (models,)."""
    if not 0 <= seed < 1 << 64:
        raise InputError(f"seed is {seed}; give a whole number from 0 to 2**64 - 1")
    if split not in SPLITS:
        raise InputError(f'unknown split "{split}"; choose one of {", ".join(SPLITS)}')
    if start < 0 or start + models > MAX_MODELS:
        raise InputError(f"the first model is {start}; models are numbered from 0 to 2**48 - 1")
    return numbered_streams(seed, split, np.arange(start, start + models, dtype=np.int64))


def numbered_streams(seed: int, split: str, index: NDArray[np.int64]) -> Streams:
    """Give one stream to each of the models with these numbers, shape (models,)."""
    number = index.astype(np.uint64)
    word1 = np.uint64(SPLITS.index(split) << 6) | ((number >> np.uint64(32)) << np.uint64(16))
    return Streams(seed, word1, number & LOW, np.zeros_like(number))


def to_unit(word: WordArray | NDArray[np.uint32]) -> FloatArray:
    """Map a 32-bit word to the middle of its cell of the open interval (0, 1)."""
    unit = word.astype(np.float64)
    unit += 0.5
    unit *= 2.0**-32
    return unit


def choose(uniform: FloatArray, n: int, first_share: float) -> NDArray[np.intp]:
    """Turn uniform numbers into one of n choices; the first has a share of its own."""
    shares = np.full(n, (1.0 - first_share) / max(n - 1, 1))
    shares[0] = first_share
    return np.searchsorted(shares.cumsum()[:-1], uniform, side="right")


def choose_among(uniform: FloatArray, shares: tuple[float, ...]) -> NDArray[np.intp]:
    """Turn uniform numbers into choices with these shares, which need not sum to one."""
    ends = np.cumsum(shares)
    return np.searchsorted(ends[:-1] / ends[-1], uniform, side="right")


def _in_order(lanes: list[NDArray[T]], n: int) -> NDArray[T]:
    """Put lane l of block i at place 4 i + l, and cut to n."""
    joined = np.stack(lanes, axis=-1)  # (..., blocks, 4)
    return np.ascontiguousarray(joined.reshape(*joined.shape[:-2], -1)[..., :n])


def _marsaglia_tsang(alpha: FloatArray, lanes: Lanes) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Propose Gamma(alpha) numbers and say which are accepted, at least 95 %.

    Marsaglia & Tsang (2000) at alpha + 1, times U^(1 / alpha).
    """
    first, second, third, fourth = (to_unit(lane) for lane in lanes)
    normal = np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)
    scale = alpha + 2.0 / 3.0
    root = 1.0 + normal / np.sqrt(9.0 * scale)
    cube = root * root * root
    inside = cube > 0.0
    log_cube = np.log(cube, where=inside, out=np.zeros_like(cube))
    accepted = inside & (np.log(third) < normal * normal / 2 + scale * (1.0 - cube + log_cube))
    return scale * cube * np.exp(np.log(fourth) / alpha), accepted
