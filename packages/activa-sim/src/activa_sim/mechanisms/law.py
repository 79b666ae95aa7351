"""What every law of mechanisms does, and what it draws."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from activa_sim.rng import Streams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

NO_MECHANISM = "none"
T = TypeVar("T")


class Mechanism(Protocol):
    """The mechanisms of M models with d causally numbered variables, parameters drawn.

    A frozen dataclass; arrays among its fields have the models as first axis.
    """

    @property
    def families(self) -> NDArray[np.str_]:
        """Name of each edge's function, shape (M, d, d); `NO_MECHANISM` where there is no edge."""
        ...

    @property
    def calibration(self) -> int:
        """Leading rows of x and noise that only scale the functions."""
        ...

    def child(self, j: int, x: FloatArray, noise: FloatArray) -> FloatArray:
        """Variable j (M, rows), from x (M, d, rows), right up to j, and its noise (M, rows)."""
        ...


@runtime_checkable
class MechanismLaw(Protocol):
    """A law of mechanisms; a frozen dataclass of its parameters."""

    def draw(self, streams: Streams, graphs: BoolArray) -> Mechanism:
        """Draw what the graphs (M, d, d) leave open, edges from lower to higher numbers."""
        ...


def of_models(drawn: T, models: NDArray[np.intp]) -> T:
    """Choose models of what was drawn: of every array, and of what is made of arrays."""
    if isinstance(drawn, np.ndarray):
        return drawn[models]  # type: ignore[return-value] # an array's items are an array
    if isinstance(drawn, tuple):
        return tuple(of_models(part, models) for part in drawn)  # type: ignore[return-value]
    if is_dataclass(drawn) and not isinstance(drawn, type):
        parts: dict[str, Any] = {f.name: getattr(drawn, f.name) for f in fields(drawn)}
        return replace(drawn, **{name: of_models(part, models) for name, part in parts.items()})
    return drawn
