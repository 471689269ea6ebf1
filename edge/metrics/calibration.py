"""Whether a probability can be taken at its word: how often answers of a confidence are right."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge.metrics.arrays import FloatArray, same_shape

BINS = 10


class Reliability(NamedTuple):
    """Answers by confidence, (bins,) each: bin i holds those above i / bins, up to (i + 1) / bins."""

    answers: npt.NDArray[np.int64]
    confidence: FloatArray  # mean in the bin, nan in an empty one
    accuracy: FloatArray  # share right in the bin, nan in an empty one


def reliability(confidence: npt.ArrayLike, correct: npt.ArrayLike, bins: int = BINS) -> Reliability:
    """The points of a reliability diagram.

    `confidence` (N,) 0..1 is the probability given to each answer, `correct` (N,) non-zero where it was right.

    Raises:
        ValueError: the shapes differ, or a confidence is outside 0..1.
    """
    sure, right = same_shape(confidence, correct)
    sure = sure.ravel().astype(np.float64)
    if not np.all((sure >= 0.0) & (sure <= 1.0)):
        raise ValueError("reliability: a confidence is not within 0..1")
    place = np.searchsorted(np.linspace(0.0, 1.0, bins + 1)[1:-1], sure)
    count, total, hits = (
        np.bincount(place, weights, bins) for weights in (None, sure, (right.ravel() != 0).astype(np.float64))
    )
    with np.errstate(invalid="ignore"):
        return Reliability(count.astype(np.int64), total / count, hits / count)


def expected_calibration_error(confidence: npt.ArrayLike, correct: npt.ArrayLike, bins: int = BINS) -> float:
    """ECE: mean distance between confidence and share right, over bins of equal width, weighted by answers; 0..1.

    As Guo et al. (2017). nan when there is no answer.

    Raises:
        ValueError: as `reliability`.
    """
    found = reliability(confidence, correct, bins)
    known = found.answers > 0
    if not known.any():
        return float("nan")
    return float(np.average(np.abs(found.accuracy - found.confidence)[known], weights=found.answers[known]))
