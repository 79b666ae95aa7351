from typing import Any

import numpy as np
import pytest
from activa_sim import _native
from activa_sim.errors import InputError
from activa_sim.rng import SPLITS, Site, Streams, choose, model_streams, to_unit
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from scipy import stats

SETS = _native.library.instruction_sets() if _native.library is not None else []
Q = 1e-4  # smallest p value that passes; seeds are fixed, so a test passes always or never


def streams(models: int = 4, **changes: int | str) -> Streams:
    given = {"seed": 5, "split": "train", "start": 0, **changes}
    return model_streams(int(given["seed"]), str(given["split"]), int(given["start"]), models)


def test_a_stream_depends_on_its_model_alone() -> None:
    all_models = streams(10).at(Site.NOISE, range(3)).words(9)
    later = streams(3, start=7).at(Site.NOISE, range(3)).words(9)
    assert_array_equal(all_models[7:], later)


@pytest.mark.parametrize("draw", ["words", "uniform", "normal"])
def test_drawing_more_numbers_keeps_the_first_ones(draw: str) -> None:
    at = streams().at(Site.NOISE, range(2), range(3))
    assert_array_equal(getattr(at, draw)(65)[..., :7], getattr(at, draw)(7))


def test_drawing_more_gamma_numbers_keeps_the_first_ones() -> None:
    at, concentration = streams().at(Site.NOISE), np.array([0.5, 1.0, 2.0, 9.0])
    assert_array_equal(at.gamma(concentration, 65)[:, :7], at.gamma(concentration, 7))


def test_no_two_places_share_a_word() -> None:
    blocks = [
        streams(3, seed=seed, split=split, start=start).at(site, range(2), range(2)).words(8)
        for seed in (5, 5 + 2**32)
        for split in SPLITS
        for start in (0, 2**32, 2**48 - 3)
        for site in Site
    ]
    blocks += [streams().at(Site.NOISE).branch(number).words(8) for number in (1, 2, 3)]
    words = np.concatenate([block.reshape(-1) for block in blocks])
    repeated = words.size - np.unique(words).size
    expected = words.size**2 / 2**33  # by chance, among 32-bit words
    assert repeated <= 3 + 3 * expected


def test_uniform_numbers_stay_inside_the_open_interval() -> None:
    ends = to_unit(np.array([0, 2**32 - 1], dtype=np.uint64))
    assert 0.0 < ends[0] < 1e-9
    assert 1.0 - 1e-9 < ends[1] < 1.0


@pytest.mark.parametrize(("draw", "law"), [("uniform", "uniform"), ("normal", "norm")])
def test_numbers_follow_their_law(draw: str, law: str) -> None:
    numbers = getattr(streams(10).at(Site.NOISE, range(10)), draw)(2000)
    assert stats.kstest(numbers.reshape(-1), law).pvalue > Q
    for axis in range(3):  # neighbours along models, variables and rows do not know each other
        one, other = np.swapaxes(numbers, 0, axis)[:-1], np.swapaxes(numbers, 0, axis)[1:]
        assert stats.pearsonr(one.reshape(-1), other.reshape(-1)).pvalue > Q


@pytest.mark.parametrize("concentration", [0.5, 1.0, 1.7, 30.0])
def test_gamma_follows_its_law(concentration: float) -> None:
    numbers = streams(20).at(Site.NOISE).gamma(np.full(20, concentration), 5000)
    assert stats.kstest(numbers.reshape(-1), stats.gamma(concentration).cdf).pvalue > Q


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.5, 2.0), (2.0, 0.7), (4.0, 4.0)])
def test_beta_follows_its_law(a: float, b: float) -> None:
    numbers = streams(20).at(Site.NOISE).beta(np.full(20, a), np.full(20, b), 5000)
    assert stats.kstest(numbers.reshape(-1), stats.beta(a, b).cdf).pvalue > Q


def test_the_first_choice_has_its_own_share_and_the_rest_is_equal() -> None:
    middles: NDArray[np.float64] = (np.arange(1000) + 0.5) / 1000
    assert_array_equal(np.bincount(choose(middles, 4, 0.4)), [400, 200, 200, 200])
    assert_array_equal(choose(middles, 1, 0.4), 0)
    assert_allclose(np.bincount(choose(middles, 3, 0.0), minlength=3), [0, 500, 500], atol=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "whole number from 0 to 2"),
        ({"split": "trial"}, 'unknown split "trial"; choose one of train, validation, test'),
        ({"start": -1}, "numbered from 0"),
        ({"start": 2**48 - 3}, "numbered from 0"),
    ],
)
def test_refuses_places_that_do_not_exist(changes: dict[str, int | str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        streams(4, **changes)


@pytest.mark.parametrize("n", [0, 1, 7, 33])
def test_compiled_numbers_are_numpy_s_and_the_same_on_every_set_and_thread(
    monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    at = streams(67, seed=2**63 + 5, split="test", start=2**40).at(Site.NOISE, range(3), range(5))
    concentration = np.linspace(0.1, 9.0, at.word1.size).reshape(at.shape)

    def draw() -> list[NDArray[Any]]:
        assert_array_equal(at[::2, 1].words(n), at.words(n)[::2, 1])
        return [at.words(n), at.normal(n), at.gamma(concentration, n)]

    monkeypatch.setenv("ACTIVA_BACKEND", "reference")
    words, normal, gamma = draw()
    monkeypatch.setenv("ACTIVA_BACKEND", "native" if SETS else "reference")
    drawn = []
    for isa in SETS:
        for threads in ("1", "3"):
            monkeypatch.setenv("ACTIVA_ISA", isa)
            monkeypatch.setenv("ACTIVA_NUM_THREADS", threads)
            drawn.append(draw())
    for numbers in drawn:
        assert_array_equal(numbers[0], words)
        assert_allclose(numbers[1], normal, rtol=1e-14, atol=1e-14)
        assert_allclose(numbers[2], gamma, rtol=1e-12)
        assert all(a.tobytes() == b.tobytes() for a, b in zip(numbers, drawn[0], strict=True))
