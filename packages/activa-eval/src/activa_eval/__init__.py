"""Distances between samples, calibration and reference rows for causal effect estimates."""

from activa_eval.baselines import conditional_gaussian, hedge, no_change, oracle
from activa_eval.calibration import coverage, nll, pit
from activa_eval.compare import Estimate, Row, compare
from activa_eval.distances import energy_distance, mmd, sliced_wasserstein, wasserstein
from activa_eval.errors import InputError
from activa_eval.permutation import PermutationResult, energy_test, mmd_test
from activa_eval.predictor import BatchPredictor, CausalBatch, Prediction, Predictor
from activa_eval.scores import Scores, concatenate
from activa_eval.scoring import score, score_scales
from activa_eval.structural import eqvar

__all__ = [
    "BatchPredictor",
    "CausalBatch",
    "Estimate",
    "InputError",
    "PermutationResult",
    "Prediction",
    "Predictor",
    "Row",
    "Scores",
    "compare",
    "concatenate",
    "conditional_gaussian",
    "coverage",
    "energy_distance",
    "energy_test",
    "eqvar",
    "hedge",
    "mmd",
    "mmd_test",
    "nll",
    "no_change",
    "oracle",
    "pit",
    "score",
    "score_scales",
    "sliced_wasserstein",
    "wasserstein",
]
