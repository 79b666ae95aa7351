"""Laws of the mechanisms: how a variable follows from its causes and its noise."""

from typing import TYPE_CHECKING

from activa_sim.later import later
from activa_sim.mechanisms.assorted import AssortedMechanism
from activa_sim.mechanisms.law import NO_MECHANISM, Mechanism, MechanismLaw
from activa_sim.mechanisms.linear import BandedMechanism, LinearMechanism

if TYPE_CHECKING:
    from activa_sim.mechanisms.heteroscedastic import Heteroscedastic
    from activa_sim.mechanisms.mixed import MixedMechanism
    from activa_sim.mechanisms.polynomial import PolynomialMechanism
    from activa_sim.mechanisms.post_nonlinear import PostNonlinear
    from activa_sim.mechanisms.ridge import FourierMechanism, NeuralMechanism
    from activa_sim.mechanisms.tree import TreeMechanism

__all__ = [
    "NO_MECHANISM",
    "AssortedMechanism",
    "BandedMechanism",
    "FourierMechanism",
    "Heteroscedastic",
    "LinearMechanism",
    "Mechanism",
    "MechanismLaw",
    "MixedMechanism",
    "NeuralMechanism",
    "PolynomialMechanism",
    "PostNonlinear",
    "TreeMechanism",
]

__getattr__ = later(
    __name__,
    {
        "FourierMechanism": "ridge",
        "Heteroscedastic": "heteroscedastic",
        "MixedMechanism": "mixed",
        "NeuralMechanism": "ridge",
        "PolynomialMechanism": "polynomial",
        "PostNonlinear": "post_nonlinear",
        "TreeMechanism": "tree",
    },
)
