"""The pool of threads: whoever draws on it, and on however many threads, draws the same."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from activa_sim import _native, simulator

pytestmark = pytest.mark.skipif(_native.library is None, reason="nothing is compiled")


def test_rounds_of_any_number_of_threads_draw_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = simulator("gauss-2").sample
    monkeypatch.setenv("ACTIVA_NUM_THREADS", "1")
    alone = {models: draw(models, 200) for models in (1, 40, 65, 300)}
    for threads in ("2", "7", "3", "2", "5") * 4:
        monkeypatch.setenv("ACTIVA_NUM_THREADS", threads)
        assert all(draw(models, 200) == batch for models, batch in alone.items())


def test_callers_at_once_share_no_threads_and_draw_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = simulator("gauss-8").sample
    monkeypatch.setenv("ACTIVA_NUM_THREADS", "1")
    alone = [draw(65, 30, start=start) for start in range(12)]
    monkeypatch.setenv("ACTIVA_NUM_THREADS", "3")
    with ThreadPoolExecutor(4) as callers:
        at_once = list(callers.map(lambda start: draw(65, 30, start=start), range(12)))
    assert at_once == alone


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_starts_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVA_NUM_THREADS", "3")
    whole = simulator("gauss-8").sample(300, 30)
    child = os.fork()
    if child == 0:
        os._exit(int(simulator("gauss-8").sample(300, 30) != whole))
    assert os.waitpid(child, 0)[1] == 0
