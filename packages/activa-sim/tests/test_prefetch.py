import gc
import threading
import time
import tracemalloc
from collections.abc import Iterator
from itertools import count, islice

import pytest
from activa_sim import InputError, simulator
from activa_sim.prefetch import ByStep, prefetched


def workers() -> int:
    return sum(thread.name == "prefetch" for thread in threading.enumerate())


def wait_until(reached: threading.Event) -> None:
    assert reached.wait(timeout=10.0)


@pytest.mark.parametrize("ahead", [1, 2, 7])
def test_items_come_in_order_and_end(ahead: int) -> None:
    assert list(prefetched(range(65), ahead)) == list(range(65))
    assert list(prefetched((), ahead)) == []
    assert workers() == 0


def test_a_stream_is_the_same_with_and_without_a_thread() -> None:
    law = simulator("general-2")
    plain, threaded = (
        [*islice(law.stream(5, 7, seed=2, start_step=3, ahead=ahead), 4)] for ahead in (0, 2)
    )
    assert plain == threaded


def test_no_more_is_drawn_ahead_than_asked_for() -> None:
    made: list[int] = []
    third = threading.Event()

    def items() -> Iterator[int]:
        for number in count():
            made.append(number)
            if number == 3:
                third.set()
            yield number

    stream = prefetched(items(), 2)
    assert next(stream) == 0
    wait_until(third)  # 1 and 2 are ready, 3 waits for room
    time.sleep(0.3)
    assert made == [0, 1, 2, 3]
    stream.close()
    assert workers() == 0


def test_a_stream_that_is_dropped_leaves_no_thread_behind() -> None:
    stream = simulator("gauss-2").stream(2, 3, ahead=2)
    next(stream)
    assert workers() == 1
    del stream
    gc.collect()
    assert workers() == 0


def test_an_error_comes_where_its_item_would_have() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise InputError("there is no second")

    stream = prefetched(items(), 3)
    assert next(stream) == 1
    with pytest.raises(InputError, match="there is no second"):
        next(stream)
    assert workers() == 0


def test_drawing_nothing_ahead_is_no_prefetching() -> None:
    with pytest.raises(InputError, match="ahead is 0; give at least 1"):
        prefetched([1], 0)


def test_steps_are_drawn_ahead_and_can_be_asked_for_in_any_order() -> None:
    drawn: list[int] = []

    def draw(step: int) -> int:
        drawn.append(step)
        return 10 * step

    by_step = ByStep(draw, ahead=1)
    asked = [3, 4, 5, 5, 0, 1, 9]
    assert [by_step(step) for step in asked] == [10 * step for step in asked]
    assert workers() == 1
    by_step.close()
    assert workers() == 0
    assert drawn[:3] == [3, 4, 5]
    assert len(drawn) <= len(asked) + 2 * 4  # at most two ahead at each of the four starts
    assert by_step(2) == 20
    by_step.close()


def test_a_long_stream_holds_its_memory() -> None:
    ahead = 2
    stream = simulator("gauss-8").stream(64, 30, ahead=ahead)
    tracemalloc.start()
    try:
        for batch in islice(stream, 32):
            assert len(batch) == 64
            held = batch.obs.nbytes + batch.interv.nbytes
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        stream.close()
    # beside those ahead: one drawn, one handed over, one still looked at, and what drawing needs
    assert most < (ahead + 4) * held
