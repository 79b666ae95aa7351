import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.queries import FixedValue, WithinSpread
from activa_sim.rng import Site, model_streams
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

STREAMS = model_streams(6, "train", 0, 2000)
OBSERVED = 100 + 3 * STREAMS.at(Site.NOISE).normal(7)


def test_the_papers_query_jitters_around_five_with_deviation_a_tenth() -> None:
    query = FixedValue()
    values = query.values(STREAMS.at(Site.QUERY), OBSERVED)
    assert_array_equal(values, np.full(2000, 5.0))
    rows = query.rows(STREAMS.at(Site.JITTER), values, np.zeros((2000, 7)))
    assert stats.kstest(rows.reshape(-1), stats.norm(5.0, 0.1).cdf).pvalue > 1e-4


def test_values_within_the_spread_are_uniform_in_observed_deviations() -> None:
    query = WithinSpread(3.0)
    values = query.values(STREAMS.at(Site.QUERY), OBSERVED)
    z = (values - OBSERVED.mean(axis=1)) / OBSERVED.std(axis=1, ddof=1)
    assert_allclose(z, 6 * STREAMS.at(Site.QUERY).uniform(1)[:, 0] - 3)
    assert stats.kstest(z, stats.uniform(-3, 6).cdf).pvalue > 1e-4
    assert_allclose(
        query.rows(STREAMS.at(Site.JITTER), values, np.zeros((2000, 7))),
        values[:, None] * np.ones(7),
    )


def test_refuses_a_negative_jitter() -> None:
    with pytest.raises(InputError, match="jitter is -1; give a standard deviation of 0 or more"):
        FixedValue(jitter=-1)
