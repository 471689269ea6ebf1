"""Temperature: one number by which a grader's logits are divided, so that its probabilities can be taken at their word.

It is fitted to the answer that is given, the mean over a wrist's frames, and not to single frames: averaging makes an
answer less sure by itself, and a temperature for frames would make it doubly so. Each wrist counts once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from convert.confidence.answers import Wrist, true_grades
from edge.stages.grade import FloatArray, probability_rows

RANGE = (0.05, 20.0)
LEAST = 1e-6  # probability: INT8 logits end somewhere, and one wrist that is surely wrong shall not decide alone


def fit_temperature(clips: Sequence[Wrist]) -> float:
    """The temperature, within `RANGE`, at which the wrists' true grades are likeliest; each has a graded frame."""
    logits, starts, truth = _stacked(clips)

    def loss(log_temperature: float) -> float:
        return nll(_means(logits, starts, math.exp(log_temperature)), truth)

    low, high = (math.log(end) for end in RANGE)
    return math.exp(float(minimize_scalar(loss, bounds=(low, high), method="bounded").x))


def wrist_probabilities(clips: Sequence[Wrist], temperature: float) -> FloatArray:
    """P(each grade) of each wrist, (W, 4): the mean over its frames, of which it has at least one."""
    logits, starts, _ = _stacked(clips)
    return _means(logits, starts, temperature)


def nll(probabilities: FloatArray, truth: npt.NDArray[np.int64]) -> float:
    """Mean negative log-likelihood of the true grades (W,), index into `GRADES`, under (W, 4)."""
    given = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(given, LEAST)).mean())


def _stacked(clips: Sequence[Wrist]) -> tuple[FloatArray, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """All frames' logits (N, 3), where each wrist's begin (W,), and the true grades (W,)."""
    counts = [len(wrist.seen) for wrist in clips]
    starts = np.cumsum([0, *counts[:-1]], dtype=np.int64)
    return np.concatenate([wrist.logits for wrist in clips]), starts, true_grades(clips)


def _means(logits: FloatArray, starts: npt.NDArray[np.int64], temperature: float) -> FloatArray:
    counts = np.diff(starts, append=len(logits))
    means: FloatArray = np.add.reduceat(probability_rows(logits, temperature), starts) / counts[:, None]
    return means
