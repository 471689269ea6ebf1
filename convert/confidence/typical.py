"""Typical: where held-out frames lie in the space of `edge.stages.typical.FEATURES`, and how far from there is too far.

Robust: the centre is the median, a feature's scale its median absolute deviation, and the covariance is that of
deviations clipped at `CLIP` scales, so that the few odd frames of a set do not make odd frames typical. The threshold
is then taken from frames of other subjects, odd ones included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from convert.confidence.answers import Wrist
from convert.confidence.conformal import quantile
from edge.manifest import Typical
from edge.stages.grade import FloatArray
from edge.stages.typical import FEATURES, LOGITS, Features, distance

COVERAGE = 0.95  # of the frames of subjects like those held out; at 0.99 a resolution phantom was graded
CLIP = 3.0  # scales
RIDGE = 0.05  # scale²: two features that always went together may come apart by so much
MAD_TO_SD = 1.4826  # of a normal distribution

# The least scale of a feature: what its measuring alone leaves open, so that none decides because it never varied.
_LEAST = {
    "log area": 0.05,
    "log flattening": 0.05,
    "log unfilled": 0.1,
    "components": 0.5,
    "depth": 0.5,
    "nerve grey": 3.0,
    "crop grey": 3.0,
    "soft border": 0.1,
    "layered": 0.03,
    "uneven sides": 0.2,
    **dict.fromkeys(LOGITS, 0.3),
}


def fit_typical(centred_on: Sequence[Wrist], bounded_by: Sequence[Wrist]) -> Typical:
    """Centre and precision from the frames of the first wrists, the threshold from those of the others.

    Where these are too few for `COVERAGE`, the threshold is their farthest frame and the coverage what it can be.
    """
    centre, precision = spread(np.concatenate([wrist.seen for wrist in centred_on]))
    farther = np.concatenate([distance(wrist.seen, centre, precision) for wrist in bounded_by])
    subjects = [wrist.subject for wrist in bounded_by for _ in wrist.seen]
    threshold, count = quantile(farther, subjects, COVERAGE), len(set(subjects))
    few = math.isinf(threshold)
    return Typical(
        features=FEATURES,
        centre=tuple(centre.tolist()),
        precision=tuple(tuple(row) for row in precision.tolist()),
        threshold=float(farther.max()) if few else threshold,
        coverage=count / (count + 1) if few else COVERAGE,
        subjects=count,
    )


def spread(seen: Features) -> tuple[FloatArray, npt.NDArray[np.float64]]:
    """Robust centre (F,) and precision (F, F) of frames (N, F)."""
    centre = np.median(seen, axis=0)
    least = np.array([_LEAST[name] for name in FEATURES])
    scale = np.maximum(MAD_TO_SD * np.median(np.abs(seen - centre), axis=0), least)
    clipped = np.clip((seen - centre) / scale, -CLIP, CLIP)
    covariance = clipped.T @ clipped / len(clipped)
    covariance += np.diag(RIDGE + np.maximum(0.0, 1.0 - np.diag(covariance)))  # none varies less than its scale
    return centre, np.linalg.inv(covariance) / np.outer(scale, scale)
