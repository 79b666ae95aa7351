from dataclasses import replace

import numpy as np
import pytest
from activa_sim import InputError
from activa_sim.rng import model_streams
from activa_sim.sergio.technical import TECHNICAL, TechnicalNoise
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from scipy import stats

FloatArray = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("backend")

QUIET = TechnicalNoise(  # no outliers, cells of one size, no dropouts but the smallest entry
    outlier_probability=0.0,
    outlier_mean=(0.0,),
    outlier_sd=0.0,
    library_mean=(5.0,),
    library_sd=(0.0,),
    dropout_shape=1e6,
    dropout_percentile=(0.0,),
)


def cells(M: int, R: int = 2, K: int = 30, d: int = 4) -> FloatArray:
    return np.random.default_rng(0).uniform(0.5, 2.0, (M, R, K, d))


def counts(noise: TechnicalNoise, clean: FloatArray) -> FloatArray:
    return noise.counts(model_streams(1, "train", 0, len(clean)), clean).astype(np.float64)


def test_without_dropouts_the_counts_of_a_cell_add_up_to_a_poisson_number() -> None:
    clean = cells(200)
    clean[:, :, 0] = 1e-9  # a cell whose genes are all alike, one of which is the smallest entry
    total = counts(QUIET, clean)[:, :, 1:].sum(axis=-1).ravel()
    mean = np.exp(5.0)
    assert abs(total.mean() - mean) < 4 * np.sqrt(mean / total.size)
    assert abs(total.var() / mean - 1.0) < 4 * np.sqrt(2.0 / total.size)


def test_library_sizes_are_log_normal() -> None:
    noise = replace(QUIET, library_mean=(12.0,), library_sd=(0.7,))
    total = counts(noise, cells(100)).sum(axis=-1).ravel()
    # relative to a size of exp(12) a Poisson error is small, and so is one entry in 120
    assert stats.kstest(np.log(total), stats.norm(12.0, 0.7).cdf).statistic < 0.03


def test_an_outlier_gene_is_multiplied_in_all_cells_of_a_condition_alike() -> None:
    noise = replace(QUIET, outlier_probability=1.0, outlier_sd=1.0, library_mean=(20.0,))
    clean = cells(400, K=5)
    noisy = counts(noise, clean)
    seen = (noisy[..., :2] > 0.0).all(axis=(2, 3))  # (M, R): elsewhere the smallest is dropped
    assert seen.mean() > 0.3
    clean, noisy = clean[seen], noisy[seen]
    ratio = np.log(noisy[..., 0] / noisy[..., 1]) - np.log(clean[..., 0] / clean[..., 1])
    assert np.ptp(ratio, axis=-1).max() < 0.2
    model = np.nonzero(seen)[0]
    pairs = np.nonzero(np.diff(model) == 0)[0]  # both conditions of a model
    assert stats.pearsonr(ratio[pairs, 0], ratio[pairs + 1, 0]).pvalue > 1e-4
    assert stats.kstest(ratio[:, 0], stats.norm(0.0, np.sqrt(2.0)).cdf).pvalue > 1e-4


def test_outliers_are_as_rare_as_said_and_as_large() -> None:
    noise = replace(QUIET, outlier_probability=0.25, outlier_mean=(9.0,), library_mean=(20.0,))
    noisy = counts(noise, cells(1500, K=3, d=2))
    raised = np.abs(np.log1p(noisy[..., 0]) - np.log1p(noisy[..., 1])).min(axis=2) > 5.0  # (M, R)
    expected = 2 * 0.25 * 0.75  # one of two genes
    assert abs(raised.mean() - expected) < 4 * np.sqrt(expected / raised.size)
    assert not (raised[:, 0] == raised[:, 1]).all()  # a condition draws its own


def test_dropouts_follow_the_logistic_law_around_the_percentile() -> None:
    noise = replace(QUIET, dropout_shape=8.0, dropout_percentile=(60.0,), library_mean=(15.0,))
    clean = cells(300)
    size = clean / clean.sum(axis=-1, keepdims=True) * np.exp(15.0)
    y = np.log1p(size)
    middle = np.percentile(y, 60.0, axis=(2, 3), keepdims=True)
    stays = 1.0 / (1.0 + np.exp(-8.0 * (y - middle)))
    kept = counts(noise, clean) > 0.0
    for low in np.linspace(0.0, 0.9, 10):
        inside = (low <= stays) & (stays < low + 0.1)
        error = np.sqrt((stays * (1.0 - stays))[inside].sum()) / inside.sum()
        assert abs(kept[inside].mean() - stays[inside].mean()) < 4 * error


def test_a_model_takes_one_of_the_numbers_for_all_its_conditions() -> None:
    noise = replace(QUIET, library_mean=(4.0, 10.0, 10.0))
    size = np.log(counts(noise, cells(300)).sum(axis=-1).mean(axis=2))  # (M, R)
    small = size < 7.0
    assert_array_equal(small[:, 0], small[:, 1])
    assert abs(small[:, 0].mean() - 1 / 3) < 4 * np.sqrt(2 / 9 / 300)


@pytest.mark.parametrize("name", TECHNICAL)
def test_platforms_count_whole_numbers_and_leave_zeros_alone(name: str) -> None:
    clean = cells(20, d=7)
    clean[:, 1, :, 2] = 0.0  # a gene that is knocked out
    clean[:, 0, 3] = 0.0  # a cell without expression
    noisy = counts(TECHNICAL[name], clean)
    assert_array_equal(noisy, np.round(noisy))
    assert_array_equal(noisy[:, 1, :, 2], 0.0)
    assert_array_equal(noisy[:, 0, 3], 0.0)
    assert noisy.any(axis=(1, 2, 3)).all()


def test_the_counts_of_a_model_depend_on_it_alone() -> None:
    clean, noise = cells(9), TECHNICAL["10x-chromium"]
    part = noise.counts(model_streams(1, "train", 6, 2), clean[6:8, :1])
    assert_array_equal(part, counts(noise, clean)[6:8, :1])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("outlier_probability", 1.5, r"outlier_probability is 1\.5"),
        ("library_mean", (), "library_mean is empty"),
        ("library_sd", (0.3, -0.1), "a standard deviation is negative"),
        ("outlier_sd", -1.0, "a standard deviation is negative"),
        ("dropout_percentile", (101.0,), "dropout_percentile is"),
    ],
)
def test_refuses_noise_that_is_none(field: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(QUIET, **{field: value})  # type: ignore[arg-type]
