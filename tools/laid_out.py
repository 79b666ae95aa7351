"""What tables of measurements beside other packages say alike."""

from collections.abc import Iterator, Sequence
from typing import Any


def joined(parts: Sequence[str], suite: str) -> str:
    """Set the parts of a block apart, or say how to measure them."""
    return (
        "\n\n".join(
            parts or [f"Not yet measured; `python -m nox -s bench -- {suite} --save` does."]
        )
        + "\n"
    )


def absent(result: dict[str, Any]) -> Iterator[str]:
    """Name the packages that could not be measured, and why."""
    for name, why in result["absent"].items():
        yield ""
        yield f"{name} could not be measured: {why}."


def digits(number: float, whole_from: float) -> str:
    """Write a number with a digit after the point where it is small."""
    return f"{number:,.0f}" if number >= whole_from else f"{number:.1f}"
