"""Distances between samples, calibration and reference rows for causal effect estimates."""

from activa_eval.baselines import conditional_gaussian, hedge, no_change, oracle
from activa_eval.bayes import BayesPair, bayes_pair
from activa_eval.blocks import BlockEstimate, energy_distance_blocks, mmd_blocks
from activa_eval.calibration import coverage, nll, pit, pit_histogram
from activa_eval.causal import descendants, non_descendant_error, side_probability
from activa_eval.compare import Estimate, Row, compare
from activa_eval.distances import energy_distance, mmd
from activa_eval.errors import InputError
from activa_eval.ida import ida
from activa_eval.ksample import k_sample_energy_test
from activa_eval.lingam import lingam
from activa_eval.permutation import PermutationResult, energy_test, mmd_test
from activa_eval.power import Power, power
from activa_eval.predictor import BatchPredictor, CausalBatch, Prediction, Predictor
from activa_eval.proper import crps, energy_score
from activa_eval.scores import Scores, concatenate
from activa_eval.scoring import score, score_scales
from activa_eval.sliced import sliced_wasserstein
from activa_eval.structural import eqvar, told_graph
from activa_eval.transport import Transport, wasserstein

__all__ = [
    "BatchPredictor",
    "BayesPair",
    "BlockEstimate",
    "CausalBatch",
    "Estimate",
    "InputError",
    "PermutationResult",
    "Power",
    "Prediction",
    "Predictor",
    "Row",
    "Scores",
    "Transport",
    "bayes_pair",
    "compare",
    "concatenate",
    "conditional_gaussian",
    "coverage",
    "crps",
    "descendants",
    "energy_distance",
    "energy_distance_blocks",
    "energy_score",
    "energy_test",
    "eqvar",
    "hedge",
    "ida",
    "k_sample_energy_test",
    "lingam",
    "mmd",
    "mmd_blocks",
    "mmd_test",
    "nll",
    "no_change",
    "non_descendant_error",
    "oracle",
    "pit",
    "pit_histogram",
    "power",
    "score",
    "score_scales",
    "side_probability",
    "sliced_wasserstein",
    "told_graph",
    "wasserstein",
]
