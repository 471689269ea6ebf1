"""Conformal: the threshold at which the sets of `edge.stages.grade_set` hold the true grade in a promised share.

Split-conformal: of the scores of the true grades of n held-out subjects, the ceil((n + 1) coverage)-th smallest. Then
the set of a further subject, drawn as those were, holds its true grade with at least that probability, whatever the
grader is worth (Vovk et al. 2005). A subject with several wrists counts once, each wrist a part of it, and the promise
is for a wrist of a further subject drawn at random (Lee, Barber and Willett 2023).

No set is empty, so a grader that is right more often than was promised has a coverage above the promise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge.findings import GRADES
from edge.manifest import Conformal
from edge.stages.grade import FloatArray, Probabilities
from edge.stages.grade_set import scores

ALL_GRADES = 1.0  # no score is above it


def fit_conformal(
    subjects: Sequence[str], grades: Sequence[str], probabilities: Sequence[Probabilities], coverage: float
) -> Conformal:
    """The threshold from the answers to held-out wrists: each one's subject, true grade and P(each grade).

    Too few subjects for `coverage`, 0..1, give the threshold at which every set holds all grades.
    """
    of_truth = [scores(row)[GRADES.index(grade)] for row, grade in zip(probabilities, grades, strict=True)]
    threshold = min(quantile(np.array(of_truth), subjects, coverage), ALL_GRADES)
    return Conformal(coverage=coverage, threshold=threshold, subjects=len(set(subjects)))


def quantile(values: FloatArray, subjects: Sequence[str], share: float) -> float:
    """The value (N,) that a further subject's stays within with probability `share`, 0..1: the finite-sample quantile.

    Each subject weighs 1, shared among its values; infinite where the subjects are too few for `share`.
    """
    _, whose, counts = np.unique(np.asarray(subjects), return_inverse=True, return_counts=True)
    order = np.argsort(values, kind="stable")
    passed = np.cumsum((1.0 / counts[whose])[order])
    enough: npt.NDArray[np.intp] = np.flatnonzero(passed >= share * (len(counts) + 1) - 1e-9)
    return float(values[order[enough[0]]]) if len(enough) else math.inf


def least_subjects(coverage: float) -> int:
    """How many subjects a threshold needs that does not let everything pass."""
    return math.ceil(coverage / (1.0 - coverage) - 1e-9)
