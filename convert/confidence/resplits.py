"""What confidence would have been worth: fitted again and again on some of the subjects and looked at on the others.

A figure of a threshold on the subjects that set it says nothing; one split says little. Each resplit holds a third of
the subjects out of the fitting, and what is given is the mean over all of them with its standard deviation.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec
import numpy as np

from convert.confidence.answers import Wrist, true_grades
from convert.confidence.fit import Fitted, clip_grade, fit, halves
from convert.confidence.temperature import nll
from edge.findings import GRADES, ClipGrade, Reason
from edge.manifest import Thresholds
from edge.metrics.calibration import expected_calibration_error
from edge.progress import tracked

RESPLITS = 50
LOOKED_AT = 1 / 3  # of the subjects


class Figure(msgspec.Struct, frozen=True):
    """Mean over the resplits and standard deviation; None where no resplit has the figure."""

    value: float | None
    sd: float | None


class Outcome(msgspec.Struct, frozen=True):
    """What becomes of some of the wrists."""

    share: float  # of all wrists, 0..1
    right: float | None  # share whose likeliest grade is the true one, given or not; None: no frame was graded


class Worth(msgspec.Struct, frozen=True):
    """A grader's figures on subjects that fitted nothing, by name."""

    before: dict[str, Figure]  # as the bundle answers without confidence
    after: dict[str, Figure]
    outcomes: dict[str, Outcome]  # what each threshold keeps, and what it refuses
    resplits: int


def worth(clips: Sequence[Wrist], coverage: float, thresholds: Thresholds, resplits: int = RESPLITS) -> Worth:
    """The figures of one grader's confidence on held-out wrists, over `resplits` random splits by subject."""
    before: dict[str, list[float]] = defaultdict(list)
    after: dict[str, list[float]] = defaultdict(list)
    outcomes: list[tuple[str, float]] = []
    for seed in tracked(range(resplits), "resplits", unit="split"):
        looked_at, fitted_on = halves(clips, seed, LOOKED_AT)
        for rows, fitted in ((before, Fitted()), (after, fit(fitted_on, coverage, thresholds, seed))):
            answers = [clip_grade(wrist, fitted, thresholds) for wrist in looked_at]
            for name, value in figures(looked_at, answers).items():
                rows[name].append(value)
        outcomes += [_outcome(wrist, answer) for wrist, answer in zip(looked_at, answers, strict=True)]
    return Worth(_over_resplits(before), _over_resplits(after), _outcomes(outcomes), resplits)


def figures(clips: Sequence[Wrist], answers: Sequence[ClipGrade]) -> dict[str, float]:
    """The figures of answers to wrists, by name; nan where there is nothing to take one of."""
    known = [(w, a, a.probabilities) for w, a in zip(clips, answers, strict=True) if a.probabilities is not None]
    truth, rows = true_grades([w for w, *_ in known]), np.array([row for *_, row in known]).reshape(-1, len(GRADES))
    reached = sum(len(wrist.seen) for wrist in clips)
    graded = [w.grade == a.grade for w, a, _ in known if a.reason is None]
    sets = [(w.grade, a.grade_set) for w, a, _ in known if a.grade_set is not None]
    confidence = np.minimum(rows.max(axis=1, initial=0.0), 1.0)
    return {
        "NLL": nll(rows, truth) if known else math.nan,
        "ECE": expected_calibration_error(confidence, rows.argmax(axis=1) == truth),
        "frames taken for typical": sum(a.frames_graded for a in answers) / reached if reached else math.nan,
        "wrists graded": len(graded) / len(clips),
        "right of those graded": _mean(graded),
        "sets that hold the true grade": _mean([grade in grades for grade, grades in sets]),
        "grades in a set": _mean([len(grades) for _, grades in sets]),
    }


def _outcome(wrist: Wrist, answer: ClipGrade) -> tuple[str, float]:
    """In words, and 1.0 or 0.0 as the likeliest grade is the true one, nan without one."""
    row, possible = answer.probabilities, answer.grade_set
    right = math.nan if row is None else float(GRADES[int(np.argmax(row))] == wrist.grade)
    words = "graded" if answer.reason is None else answer.reason.value
    if possible is not None and answer.reason in (None, Reason.UNSURE):
        words += f", {len(possible)} in the set"
    return words, right


def _outcomes(found: Sequence[tuple[str, float]]) -> dict[str, Outcome]:
    """The commonest first."""
    counts = Counter(words for words, _ in found)
    return {
        words: Outcome(count / len(found), _known(_mean([right for each, right in found if each == words])))
        for words, count in counts.most_common()
    }


def _over_resplits(rows: dict[str, list[float]]) -> dict[str, Figure]:
    kept = {name: [value for value in values if not math.isnan(value)] for name, values in rows.items()}
    return {name: Figure(float(np.mean(v)), float(np.std(v))) if v else Figure(None, None) for name, v in kept.items()}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
