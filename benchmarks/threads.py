"""Ways to compute the same thing on more of a machine, in turn, by the clock on the wall."""

from collections.abc import Callable, Mapping, Sequence


def in_turn(ways: Mapping[str, Callable[[], float]], *, rounds: int) -> dict[str, list[float]]:
    """Ask every way for its seconds once a round."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, seconds in ways.items():
            times[way].append(seconds())
    return times


def speed_up(times: Sequence[float], of_one: Sequence[float]) -> float:
    """How much faster than one thread.

    The least times are compared: what disturbs a machine only adds to them, and to threads that wait
    for each other more often.
    """
    return min(of_one) / min(times)
