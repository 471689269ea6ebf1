"""The only home of metrics: what is reported of a model is computed here, in NumPy, wherever it is reported.

masks       how well two masks agree: DSC, Hausdorff distance, HD95
classes     right and wrong answers: accuracy, confusion, quadratic-weighted kappa
ranking     how well scores separate two classes: AUC, DeLong
resampling  percentiles, and how sure a figure is: bootstrap over subjects, of one model and of a pair
"""

from edge.metrics.classes import accuracy, confusion, quadratic_weighted_kappa
from edge.metrics.masks import dice, hausdorff, hd95
from edge.metrics.ranking import DeLong, auc, delong
from edge.metrics.resampling import Interval, PairedInterval, bootstrap_ci, paired_bootstrap, percentiles

__all__ = [
    "DeLong",
    "Interval",
    "PairedInterval",
    "accuracy",
    "auc",
    "bootstrap_ci",
    "confusion",
    "delong",
    "dice",
    "hausdorff",
    "hd95",
    "paired_bootstrap",
    "percentiles",
    "quadratic_weighted_kappa",
]
