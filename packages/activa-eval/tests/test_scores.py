from dataclasses import replace
from typing import Any

import pytest
from activa_eval import InputError, concatenate, eqvar, hedge, score
from numpy.testing import assert_array_equal


def parts_of(batch: Any, at: int) -> list[Any]:
    """A batch cut in two."""
    arrays = {name: value for name, value in vars(batch).items() if name != "labels"}
    pieces = (slice(None, at), slice(at, None))
    return [
        type(batch)(
            **{name: value[piece] for name, value in arrays.items()},
            labels={name: value[piece] for name, value in batch.labels.items()},
        )
        for piece in pieces
    ]


@pytest.mark.parametrize("predictor", [hedge, eqvar], ids=["with density", "without"])
def test_parts_beneath_each_other_have_the_scores_of_each_in_order(
    predictor: Any, draw_pairs: Any
) -> None:
    parts = [score(predictor, part) for part in parts_of(draw_pairs(models=5), 2)]
    joined = concatenate(parts)
    for name, values in joined.metrics().items():
        assert len(values) == 5
        assert_array_equal(values[:2], parts[0].metrics()[name])
        assert_array_equal(values[2:], parts[1].metrics()[name])
    assert joined.metrics().keys() == parts[0].metrics().keys()
    assert_array_equal(joined.has_effect, [[True, False]] * 5)
    assert_array_equal(joined.labels["half"], ["left", "right"] * 2 + ["left"])
    assert joined.scale == "data"


def test_scores_that_do_not_belong_together_are_refused(draw_pairs: Any) -> None:
    batch = draw_pairs(models=3)
    first = score(hedge, batch)
    others = [
        score(hedge, batch, scale="standardised"),
        score(eqvar, batch),
        replace(first, has_effect=None),
        replace(first, labels={}),
        replace(first, mmd=first.mmd[:, :1]),
    ]
    for other in others:
        with pytest.raises(InputError, match="differ in scale, metrics, queries or labels"):
            concatenate([first, other])
    with pytest.raises(InputError, match="there are no scores"):
        concatenate([])
