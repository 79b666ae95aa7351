"""Batches drawn ahead by a thread, in order, while somebody works on those before."""

from __future__ import annotations

from itertools import count
from queue import Full, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from activa_sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

S = TypeVar("S")
T = TypeVar("T")
PATIENCE = 0.1  # seconds between looks at whether the work is still wanted


class ByStep(Generic[T]):
    """Items by their number, drawn ahead as long as the numbers go on one by one.

    A number that is not the next starts anew from there, so that a training can be resumed at
    any step, or a step be asked for twice.

    Parameters
    ----------
    draw : callable
        Gives the item of a step; it is called in another thread.
    ahead : int
        How many items are drawn beforehand.

    Examples
    --------
    >>> squares = ByStep(lambda step: step * step)
    >>> squares(5), squares(6), squares(2)
    (25, 36, 4)
    >>> squares.close()
    """

    def __init__(self, draw: Callable[[int], T], ahead: int = 2) -> None:
        self._draw, self._ahead = draw, ahead
        self._next = -1
        self._items: Generator[T, None, None] = prefetched((), ahead)

    def __call__(self, step: int) -> T:
        """Give the item of a step."""
        if step != self._next:
            self.close()
            self._items = prefetched(map(self._draw, count(step)), self._ahead)
        self._next = step + 1
        return next(self._items)

    def close(self) -> None:
        """End the thread; another step starts it again."""
        self._items.close()
        self._next = -1


def prefetched(items: Iterable[T], ahead: int = 2) -> Generator[T, None, None]:
    """Yield items in order, of which a thread makes up to `ahead` beforehand.

    NumPy lets other threads run while it works on arrays. An error of the items is raised where
    its item would have come. The thread starts with the first item that is asked for and ends
    with the items or when the iterator is closed, or is no longer referred to.

    Raises
    ------
    InputError
        If `ahead` is less than 1.

    Examples
    --------
    >>> list(prefetched(range(3), ahead=2))
    [0, 1, 2]
    """
    if ahead < 1:
        raise InputError(f"ahead is {ahead}; give at least 1")
    return _prefetched(items, ahead)


def _prefetched(items: Iterable[T], ahead: int) -> Generator[T, None, None]:
    ready: Queue[tuple[T] | BaseException | None] = Queue(ahead)
    unwanted = Event()
    worker = Thread(target=_fill, args=(items, ready, unwanted), daemon=True, name="prefetch")
    worker.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0]
    finally:
        unwanted.set()
        worker.join()


def _fill(
    items: Iterable[T], ready: Queue[tuple[T] | BaseException | None], unwanted: Event
) -> None:
    """Put items, an error if there is one, and the end where they are fetched."""
    try:
        for item in items:
            if not _put(ready, (item,), unwanted):
                return
    except BaseException as error:  # noqa: BLE001 - whatever it is, the reader must see it
        _put(ready, error, unwanted)
    else:
        _put(ready, None, unwanted)


def _put(ready: Queue[S], item: S, unwanted: Event) -> bool:
    """Wait for room as long as the items are wanted, and say whether they were."""
    while not unwanted.is_set():
        try:
            ready.put(item, timeout=PATIENCE)
        except Full:
            continue
        return True
    return False
