import numpy as np
import pytest
from activa_sim.errors import InputError
from activa_sim.queries import RandomValue, Shift
from activa_sim.rng import Site, model_streams
from numpy.testing import assert_array_equal
from scipy import stats

STREAMS = model_streams(6, "train", 0, 2000)
NATURAL = STREAMS.at(Site.NOISE).normal(7)


def test_a_shift_adds_an_amount_of_its_range_to_every_row() -> None:
    query = Shift(-1.0, 3.0)
    values = query.values(STREAMS.at(Site.QUERY), NATURAL)
    assert stats.kstest(values, stats.uniform(-1, 4).cdf).pvalue > 1e-4
    assert_array_equal(query.rows(STREAMS, values, NATURAL), NATURAL + values[:, None])
    assert (query.kind, query.variance) == ("shift", 0.0)


def test_random_values_scatter_around_a_mean_of_their_range() -> None:
    query = RandomValue(-1.0, 3.0, sd=0.5)
    values = query.values(STREAMS.at(Site.QUERY), NATURAL)
    assert stats.kstest(values, stats.uniform(-1, 4).cdf).pvalue > 1e-4
    rows = query.rows(STREAMS.at(Site.JITTER), values, NATURAL)
    apart = (rows - values[:, None]).reshape(-1)
    assert stats.kstest(apart, stats.norm(0, 0.5).cdf).pvalue > 1e-4
    assert (query.kind, query.variance) == ("random", 0.25)


def test_refuses_ranges_and_deviations_that_are_none() -> None:
    with pytest.raises(InputError, match=r"low is 1 and high is 0; give finite low <= high"):
        Shift(1, 0)
    with pytest.raises(InputError, match=r"low is -3\.0 and high is inf"):
        RandomValue(high=np.inf)
    with pytest.raises(InputError, match="sd is -1; give a standard deviation of 0 or more"):
        RandomValue(sd=-1)
