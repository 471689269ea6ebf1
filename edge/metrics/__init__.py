"""The only home of metrics: what is reported of a model is computed here, in NumPy, wherever it is reported.

masks        how well two masks agree: DSC, precision and recall, Hausdorff distance, HD95
classes      right and wrong answers: accuracy, confusion, rates of each class, quadratic-weighted kappa
ranking      how well scores separate two classes: ROC curve, AUC, DeLong, Mann-Whitney
calibration  whether a probability can be taken at its word: reliability, ECE
agreement    how well two ways of measuring agree: Bland-Altman
resampling   percentiles, and how sure a figure is: bootstrap over subjects, of one model and of a pair
"""

from edge.metrics.agreement import BlandAltman, bland_altman
from edge.metrics.calibration import Reliability, expected_calibration_error, reliability
from edge.metrics.classes import ClassRates, accuracy, class_rates, confusion, quadratic_weighted_kappa
from edge.metrics.masks import dice, hausdorff, hd95, precision_recall
from edge.metrics.ranking import DeLong, MannWhitney, auc, delong, mann_whitney, roc_curve
from edge.metrics.resampling import (
    Interval,
    PairedInterval,
    bootstrap,
    bootstrap_ci,
    interval,
    paired_bootstrap,
    percentiles,
)

__all__ = [
    "BlandAltman",
    "ClassRates",
    "DeLong",
    "Interval",
    "MannWhitney",
    "PairedInterval",
    "Reliability",
    "accuracy",
    "auc",
    "bland_altman",
    "bootstrap",
    "bootstrap_ci",
    "class_rates",
    "confusion",
    "delong",
    "dice",
    "expected_calibration_error",
    "hausdorff",
    "hd95",
    "interval",
    "mann_whitney",
    "paired_bootstrap",
    "percentiles",
    "precision_recall",
    "quadratic_weighted_kappa",
    "reliability",
    "roc_curve",
]
