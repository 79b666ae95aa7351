"""Batches drawn ahead by a thread, in order, while somebody works on those before."""

from __future__ import annotations

from queue import Full, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeVar

from activa_sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

S = TypeVar("S")
T = TypeVar("T")
PATIENCE = 0.1  # seconds between looks at whether the work is still wanted


def prefetched(items: Iterable[T], ahead: int = 2) -> Iterator[T]:
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


def _prefetched(items: Iterable[T], ahead: int) -> Iterator[T]:
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
