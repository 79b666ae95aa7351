"""Philox4x32-10, the one source of randomness, vectorised over counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    WordArray = NDArray[np.uint64]  # 32-bit words, held in 64 bits so that their products fit
    Lanes = tuple[WordArray, WordArray, WordArray, WordArray]

LOW = np.uint64(0xFFFFFFFF)  # mask of the low word
CHUNK = 1 << 13  # counters at a time, so that all ten rounds stay in the cache


def philox(key: int, c0: WordArray, c1: WordArray, c2: WordArray, c3: WordArray) -> Lanes:
    """Philox4x32-10 (Salmon et al., SC 2011) of four counter words, elementwise.

    Parameters
    ----------
    key : int
        64 bits; its low half is the first key word.
    c0, c1, c2, c3 : ndarray of uint64
        Counter words below 2**32, of shapes that broadcast.

    Returns
    -------
    tuple of four ndarray of uint64
        Random words below 2**32.

    Examples
    --------
    >>> zero = np.zeros(1, dtype=np.uint64)
    >>> [f"{int(word[0]):08x}" for word in philox(0, zero, zero, zero, zero)]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    shape = np.broadcast_shapes(c0.shape, c1.shape, c2.shape, c3.shape)
    words = np.empty((4, *shape), dtype=np.uint64)
    words[0], words[1], words[2], words[3] = c0, c1, c2, c3
    flat = words.reshape(4, -1)
    for begin in range(0, flat.shape[1], CHUNK):
        _ten_rounds(key, flat[:, begin : begin + CHUNK])
    return words[0], words[1], words[2], words[3]


def _ten_rounds(key: int, words: WordArray) -> None:
    """Mix words (4, n) in place."""
    a, b, c, d = (word.copy() for word in words)
    high, half = np.empty_like(a), np.uint64(32)
    first, second = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        a *= np.uint64(0xD2511F53)
        c *= np.uint64(0xCD9E8D57)
        b ^= np.right_shift(c, half, out=high)
        b ^= np.uint64(first)
        d ^= np.right_shift(a, half, out=high)
        d ^= np.uint64(second)
        a &= LOW
        c &= LOW
        a, b, c, d = b, c, d, a
        first, second = (first + 0x9E3779B9) & 0xFFFFFFFF, (second + 0xBB67AE85) & 0xFFFFFFFF
    words[0], words[1], words[2], words[3] = a, b, c, d
