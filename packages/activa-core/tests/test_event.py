"""Events as users write them."""

import pytest
from activa_core.errors import InputError
from activa_core.event import Event, read_event


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("Y > 3", Event("Y", ">", 3.0)),
        ("Y<=-1.5e2", Event("Y", "<=", -150.0)),
        ("  blood pressure >= 140 ", Event("blood pressure", ">=", 140.0)),
    ],
)
def test_an_event_is_column_relation_and_bound(text: str, event: Event) -> None:
    assert read_event(text) == event


@pytest.mark.parametrize(
    "text", ["", "Y", "Y > ", "> 3", "Y = 3", "Y > three", "Y > nan", "Y > 3 and Z < 2"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match=r'cannot read the event .*such as "Y > 3"'):
        read_event(text)


@pytest.mark.parametrize(
    ("text", "below", "at", "above"),
    [
        ("Y < 3", True, False, False),
        ("Y <= 3", True, True, False),
        ("Y > 3", False, False, True),
        ("Y >= 3", False, True, True),
    ],
)
def test_an_event_holds_on_its_side_of_the_bound(
    text: str, below: bool, at: bool, above: bool
) -> None:
    event = read_event(text)
    assert [event.holds(2.0), event.holds(3.0), event.holds(4.0)] == [below, at, above]
