"""Distances between samples, calibration and reference rows for causal effect estimates."""

from activa_eval.baselines import conditional_gaussian, hedge, no_change, oracle
from activa_eval.bayes import BayesPair, bayes_pair
from activa_eval.calibration import coverage, nll, pit
from activa_eval.compare import Estimate, Row, compare
from activa_eval.distances import energy_distance, mmd, sliced_wasserstein, wasserstein
from activa_eval.errors import InputError
from activa_eval.ida import ida
from activa_eval.lingam import lingam
from activa_eval.permutation import PermutationResult, energy_test, mmd_test
from activa_eval.predictor import BatchPredictor, CausalBatch, Prediction, Predictor
from activa_eval.scores import Scores, concatenate
from activa_eval.scoring import score, score_scales
from activa_eval.structural import eqvar, told_graph

__all__ = [
    "BatchPredictor",
    "BayesPair",
    "CausalBatch",
    "Estimate",
    "InputError",
    "PermutationResult",
    "Prediction",
    "Predictor",
    "Row",
    "Scores",
    "bayes_pair",
    "compare",
    "concatenate",
    "conditional_gaussian",
    "coverage",
    "energy_distance",
    "energy_test",
    "eqvar",
    "hedge",
    "ida",
    "lingam",
    "mmd",
    "mmd_test",
    "nll",
    "no_change",
    "oracle",
    "pit",
    "score",
    "score_scales",
    "sliced_wasserstein",
    "told_graph",
    "wasserstein",
]
