import numpy as np
import pytest
from activa_sim.philox import CHUNK, philox

# known answers of Random123 1.14 (kat_vectors, philox4x32 10)
KNOWN = [
    ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        0x299F31D0A4093822,
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_gives_the_published_words(
    counter: tuple[int, ...], key: int, expected: tuple[int, ...]
) -> None:
    words = philox(key, *(np.array([c], dtype=np.uint64) for c in counter))
    assert tuple(int(word[0]) for word in words) == expected


def one_at_a_time(key: int, counter: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The definition, in whole numbers."""
    a, b, c, d = counter
    first, second = key % 2**32, key >> 32
    for _ in range(10):
        left, right = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b = (right >> 32) ^ b ^ first, right % 2**32
        c, d = (left >> 32) ^ d ^ second, left % 2**32
        first, second = (first + 0x9E3779B9) % 2**32, (second + 0xBB67AE85) % 2**32
    return a, b, c, d


@pytest.mark.parametrize("n", [1, 7, 65, CHUNK + 1])
def test_agrees_with_the_definition_in_whole_numbers(n: int) -> None:
    key = 0x0123456789ABCDEF
    index = np.arange(n, dtype=np.uint64)
    counter = index, (index * np.uint64(77)) & np.uint64(0xFFFFFFFF), index[::-1], index + index
    words = philox(key, *counter)
    for place in {0, n // 2, n - 1}:
        single = tuple(int(c[place]) for c in counter)
        assert tuple(int(word[place]) for word in words) == one_at_a_time(key, single)


def test_counters_broadcast_and_stay_as_they_were() -> None:
    rows, columns = np.arange(3, dtype=np.uint64)[:, None], np.arange(5, dtype=np.uint64)
    words = philox(1, columns, rows, rows, columns)
    assert words[0].shape == (3, 5)
    assert int(words[2][2, 4]) == one_at_a_time(1, (4, 2, 2, 4))[2]
    np.testing.assert_array_equal(columns, np.arange(5))
