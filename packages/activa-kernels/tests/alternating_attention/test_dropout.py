import pytest
import torch
from activa_kernels.alternating_attention.dropout import keep_mask, philox, threshold
from torch import Tensor

# known answers of Random123's philox4x32-10: counter, key, words
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def words(numbers: tuple[int, ...]) -> tuple[Tensor, ...]:
    return tuple(torch.tensor(number) for number in numbers)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_the_published_words(
    counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    k0, k1 = words(key)
    c0, c1, c2, c3 = words(counter)
    assert tuple(int(word) for word in philox((k0, k1), (c0, c1, c2, c3))) == expected


def test_an_element_takes_its_own_half_of_a_word_of_its_counter() -> None:
    """Element 8 c + 2 w + h is half h of word w of counter c, in Python's unlimited integers."""
    seed, step = 2**40 + 7, 2**35 + 3
    key = torch.tensor([seed, step])
    mask = keep_mask((19,), key, layer=5, site=1, drop=threshold(0.3)).tolist()
    low, high, *_ = _philox_of_integers(
        (seed % 2**32, seed >> 32), (step % 2**32, step >> 32, 5, 1)
    )
    expected = []
    for element in range(19):
        four = _philox_of_integers((low, high), (element // 8, 0, 0, 0))
        lane = four[element % 8 // 2] >> 16 * (element % 2) & 0xFFFF
        expected.append(lane >= round(0.3 * 65536))
    assert mask == expected


def test_the_share_of_dropped_elements_is_the_probability() -> None:
    n = 200_000
    kept = keep_mask((n,), torch.tensor([1, 2]), layer=0, site=0, drop=threshold(0.1))
    assert abs(kept.double().mean().item() - 0.9) < 4 * (0.09 / n) ** 0.5


def test_nothing_is_dropped_at_threshold_zero() -> None:
    assert keep_mask((33,), torch.tensor([1, 2]), layer=0, site=0, drop=0).all()


@pytest.mark.parametrize(
    ("key", "layer", "site"), [((1, 3), 0, 0), ((2, 2), 0, 0), ((1, 2), 1, 0), ((1, 2), 0, 1)]
)
def test_seed_step_layer_and_site_each_change_the_mask(
    key: tuple[int, int], layer: int, site: int
) -> None:
    mask = keep_mask((4096,), torch.tensor([1, 2]), 0, 0, threshold(0.5))
    other = keep_mask((4096,), torch.tensor(key), layer, site, threshold(0.5))
    assert abs((mask == other).double().mean().item() - 0.5) < 0.05


def _philox_of_integers(
    key: tuple[int, int], counter: tuple[int, int, int, int]
) -> tuple[int, ...]:
    (k0, k1), (c0, c1, c2, c3) = key, counter
    for _ in range(10):
        first, second = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (
            second >> 32 ^ c1 ^ k0,
            second % 2**32,
            first >> 32 ^ c3 ^ k1,
            first % 2**32,
        )
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3
