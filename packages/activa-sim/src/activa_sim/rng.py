"""Counter-based random numbers: every model has streams of its own, whatever the batch.

Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) maps a
key and a counter of four 32-bit words to four random words. The key is the seed; the counter

    word 0   block of four numbers within a stream
    word 1   site (6 bits), split (2), attempt (6), branch (2), high part of the model (16)
    word 2   low part of the model's index
    word 3   regime (16), variable (16)

names one place in one model, so nothing depends on who asks first, or for how many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    WordArray = NDArray[np.uint64]  # 32-bit words, held in 64 bits so that products fit

SPLITS = ("train", "validation", "test")
MAX_MODELS = 1 << 48
CHUNK = 1 << 13  # blocks at a time: what the ten rounds touch stays in the cache
MAX_ATTEMPTS = 64
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


class Site(IntEnum):
    """What a random number is for; numbers of two sites are independent."""

    GRAPH = 0
    PERMUTATION = 1
    MECHANISM = 2
    NOISE_LAW = 3
    NOISE = 4
    QUERY = 5
    JITTER = 6


@dataclass(frozen=True)
class Streams:
    """An array of independent random streams, one an entry.

    Drawing n numbers gives an array of shape `(*shape, n)` whose first numbers do not change
    with n, nor with the other streams of the array.
    """

    key: int
    word1: WordArray
    word2: WordArray
    word3: WordArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of streams."""
        return self.word1.shape

    def at(self, site: Site, variables: int, regimes: range | None = None) -> Streams:
        """Streams of a site: one a variable, or one a variable and regime, on new last axes."""
        word3 = np.arange(variables, dtype=np.uint64)
        if regimes is not None:
            regime = np.arange(regimes.start, regimes.stop, dtype=np.uint64)
            word3 = word3[:, None] | (regime << np.uint64(16))
        new = (...,) + (None,) * word3.ndim
        word1, word2, word3 = np.broadcast_arrays(
            self.word1[new] | np.uint64(site), self.word2[new], word3
        )
        return Streams(self.key, word1, word2, word3)

    def branch(self, number: int) -> Streams:
        """Streams of the same place that are independent of these (number 1, 2 or 3)."""
        return replace(self, word1=self.word1 | np.uint64(number << 14))

    def __getitem__(self, index: Any) -> Streams:
        """Choose streams, as one indexes an array."""
        return Streams(self.key, self.word1[index], self.word2[index], self.word3[index])

    def words(self, n: int) -> NDArray[np.uint32]:
        """Draw 32-bit words, shape (*shape, n)."""
        lanes = self._blocks(-(-n // 4))
        return np.stack(lanes, axis=-1).reshape(*self.shape, -1)[..., :n].astype(np.uint32)

    def uniform(self, n: int) -> FloatArray:
        """Draw from the open interval (0, 1), shape (*shape, n)."""
        return _interleave([_to_unit(lane) for lane in self._blocks(-(-n // 4))], n)

    def normal(self, n: int) -> FloatArray:
        """Draw from N(0, 1) by Box-Muller on lanes (0, 1) and (2, 3), shape (*shape, n)."""
        a, b, c, d = self._blocks(-(-n // 4))
        return _interleave([*_box_muller(a, b), *_box_muller(c, d)], n)

    def gamma(self, concentration: FloatArray, n: int) -> FloatArray:
        """Draw from Gamma(concentration, scale 1), shape (*shape, n).

        Marsaglia & Tsang (2000) at concentration + 1, times U^(1/concentration). Number e takes
        the four lanes of block e; a rejected one asks again at the next attempt.
        """
        concentration = np.broadcast_to(concentration, self.shape).reshape(-1)
        flat = self[(None,) * (not self.shape)].reshape()
        out = np.empty((flat.shape[0], n))
        stream, element = (i.reshape(-1) for i in np.indices(out.shape))
        for attempt in range(MAX_ATTEMPTS):
            chosen, alpha = flat[stream], concentration[stream]
            lanes = philox(
                self.key,
                element.astype(np.uint64),
                chosen.word1 | np.uint64(attempt << 8),
                chosen.word2,
                chosen.word3,
            )
            proposal, accepted = _marsaglia_tsang(alpha, lanes)
            out[stream[accepted], element[accepted]] = proposal[accepted]
            stream, element = stream[~accepted], element[~accepted]
            if not stream.size:
                return out.reshape(*self.shape, n)
        raise AssertionError("a proposal accepted 19 times in 20 was refused 64 times")

    def reshape(self) -> Streams:
        """Lay all streams along one axis."""
        return self[...] if self.word1.ndim == 1 else Streams(
            self.key, self.word1.reshape(-1), self.word2.reshape(-1), self.word3.reshape(-1)
        )

    def _blocks(self, blocks: int) -> tuple[WordArray, WordArray, WordArray, WordArray]:
        """Four lanes of shape (*shape, blocks)."""
        counter = np.arange(blocks, dtype=np.uint64)
        full = np.broadcast_arrays(
            counter, self.word1[..., None], self.word2[..., None], self.word3[..., None]
        )
        return philox(self.key, *full)


def model_streams(seed: int, split: str, start: int, models: int) -> Streams:
    """Give the streams of models start, start + 1, ... of a split, shape (models,)."""
    if not 0 <= seed < 1 << 64:
        raise InputError(f"seed is {seed}; give a whole number from 0 to 2**64 - 1")
    if split not in SPLITS:
        raise InputError(f'unknown split "{split}"; choose one of {", ".join(SPLITS)}')
    index = np.arange(start, start + models, dtype=np.uint64)
    word1 = np.uint64(SPLITS.index(split) << 6) | ((index >> HALF) << np.uint64(16))
    return Streams(seed, word1, index & LOW, np.zeros_like(index))


def philox(
    key: int, c0: WordArray, c1: WordArray, c2: WordArray, c3: WordArray
) -> tuple[WordArray, WordArray, WordArray, WordArray]:
    """Philox4x32-10 of four counter words of one shape, elementwise."""
    shape = c0.shape
    out = np.empty((4, c0.size), dtype=np.uint64)
    for lane, word in zip(out, (c0, c1, c2, c3), strict=True):
        lane.reshape(shape)[...] = word
    for begin in range(0, out.shape[1], CHUNK):
        _ten_rounds(key, out[:, begin : begin + CHUNK])
    a, b, c, d = (lane.reshape(shape) for lane in out)
    return a, b, c, d


def _ten_rounds(key: int, words: WordArray) -> None:
    """Run the rounds in place on words (4, n)."""
    a, b, c, d = (word.copy() for word in words)
    high = np.empty_like(a)
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        a *= np.uint64(0xD2511F53)
        c *= np.uint64(0xCD9E8D57)
        np.right_shift(c, HALF, out=high)
        b ^= high
        b ^= np.uint64(k0)
        np.right_shift(a, HALF, out=high)
        d ^= high
        d ^= np.uint64(k1)
        a &= LOW
        c &= LOW
        a, b, c, d = b, c, d, a
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    for word, mixed in zip(words, (a, b, c, d), strict=True):
        word[...] = mixed


def _interleave(lanes: list[FloatArray], n: int) -> FloatArray:
    """Put number 4 i + lane at its place and cut to n."""
    joined = np.stack(lanes, axis=-1)  # (..., blocks, 4)
    return np.ascontiguousarray(joined.reshape(*joined.shape[:-2], -1)[..., :n])


def _to_unit(word: WordArray) -> FloatArray:
    unit = word.astype(np.float64)
    unit += 0.5
    unit *= 2.0**-32
    return unit


def _box_muller(first: WordArray, second: WordArray) -> tuple[FloatArray, FloatArray]:
    radius = np.sqrt(-2.0 * np.log(_to_unit(first)))
    angle = 2.0 * np.pi * _to_unit(second)
    return radius * np.cos(angle), radius * np.sin(angle)


def _marsaglia_tsang(
    alpha: FloatArray, lanes: tuple[WordArray, WordArray, WordArray, WordArray]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Propose Gamma(alpha) numbers and say which are accepted."""
    normal, _ = _box_muller(lanes[0], lanes[1])
    scale = alpha + 2.0 / 3.0  # of Gamma(alpha + 1)
    cube = (1.0 + normal / np.sqrt(9.0 * scale)) ** 3
    log_cube = np.log(np.where(cube > 0.0, cube, 1.0))
    bound = normal**2 / 2.0 + scale * (1.0 - cube + log_cube)
    accepted = (cube > 0.0) & (np.log(_to_unit(lanes[2])) < bound)
    return scale * cube * _to_unit(lanes[3]) ** (1.0 / alpha), accepted
