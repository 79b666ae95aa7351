"""A drawn mechanism that bends what another one gives, or takes: its edges are the other's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from activa_sim.mechanisms.law import Mechanism


@dataclass(frozen=True)
class Around:
    """What is the same whatever is done around the mechanism within."""

    mechanism: Mechanism
    own_calibration: int  # leading rows that scale what is done around it

    @property
    def families(self) -> NDArray[np.str_]:
        """Name of each edge's function, as `Mechanism` has it."""
        return self.mechanism.families

    @property
    def calibration(self) -> int:
        """Leading rows that only scale, here or within."""
        return max(self.own_calibration, self.mechanism.calibration)
