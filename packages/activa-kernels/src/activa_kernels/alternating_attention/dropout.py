"""Which elements dropout keeps: one rule for every implementation, here in plain PyTorch.

Philox4x32-10 (Salmon et al., 2011) turns a 64-bit key and a 128-bit counter into four 32-bit words.
Words are held in int64 tensors, whose products wrap as unsigned 64-bit ones do.
"""

from __future__ import annotations

import torch
from torch import Tensor

LANES = 8  # 16-bit numbers that one counter gives
WHOLE = 65536  # a lane is uniform over [0, WHOLE)

Words = tuple[Tensor, Tensor, Tensor, Tensor]


def threshold(dropout: float) -> int:
    """Return how many of the 65536 values of a lane drop an element."""
    return round(dropout * WHOLE)


def keep_mask(shape: tuple[int, ...], key: Tensor, layer: int, site: int, drop: int) -> Tensor:
    """Say which elements of a contiguous tensor are kept.

    Parameters
    ----------
    shape : tuple of int
        Of the tensor; element i in row-major order takes lane i % 8 of counter i // 8.
    key : Tensor, shape (2,), int64
        Seed and step.
    layer, site : int
        The block, and the place in it: 0 after the projection, 1 after the feed-forward.
    drop : int
        `threshold` of the probability; an element is kept where its lane is no smaller.

    Returns
    -------
    Tensor, bool
        Of `shape`, on the device of `key`.
    """
    n = torch.Size(shape).numel()
    counter = torch.arange((n + LANES - 1) // LANES, device=key.device)
    zero = torch.zeros_like(counter)
    words = philox(site_key(key, layer, site), (_low(counter), counter >> 32, zero, zero))
    kept = [half >= drop for word in words for half in (word & 0xFFFF, word >> 16)]
    return torch.stack(kept, dim=-1).flatten()[:n].view(shape)


def site_key(key: Tensor, layer: int, site: int) -> tuple[Tensor, Tensor]:
    """Mix (seed, step), layer and site to the 64-bit key of a site: its low and its high word."""
    seed, step = key.unbind()
    # filled where they are: a tensor made from a number would be sent to a GPU
    place = (
        _low(step),
        _low(step >> 32),
        torch.full_like(step, layer),
        torch.full_like(step, site),
    )
    low, high, _, _ = philox((_low(seed), _low(seed >> 32)), place)
    return low, high


def philox(key: tuple[Tensor, Tensor], counter: Words) -> Words:
    """Philox4x32-10 of counters: 32-bit words, in int64 tensors of one shape."""
    k0, k1 = key
    c0, c1, c2, c3 = counter
    for _ in range(10):
        first, second = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0 = _high(second).bitwise_xor_(c1).bitwise_xor_(k0)  # in place: half the time on a CPU
        c2 = _high(first).bitwise_xor_(c3).bitwise_xor_(k1)
        c1, c3 = second.bitwise_and_(0xFFFFFFFF), first.bitwise_and_(0xFFFFFFFF)
        k0, k1 = _low(k0 + 0x9E3779B9), _low(k1 + 0xBB67AE85)
    return c0, c1, c2, c3


def _low(x: Tensor) -> Tensor:
    return x & 0xFFFFFFFF


def _high(x: Tensor) -> Tensor:
    return (x >> 32).bitwise_and_(0xFFFFFFFF)
