"""One thread and several in turn, by the clock on the wall, in one process."""

from collections.abc import Callable


def in_turn(
    seconds: Callable[[int], float], threads: int, *, rounds: int
) -> tuple[list[float], float]:
    """Ask for the seconds of one thread and of several; return the latter, and how much faster they are.

    The least times are compared: what disturbs a machine only adds to them, and to threads that wait
    for each other more often.
    """
    times: dict[int, list[float]] = {1: [], threads: []}
    for _ in range(rounds):
        for number, taken in times.items():
            taken.append(seconds(number))
    return times[threads], min(times[1]) / min(times[threads])
