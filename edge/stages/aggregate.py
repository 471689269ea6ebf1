"""Aggregate: the frames of one sweep -> one ClipGrade; the two planes of a wrist -> one JoinedGrade (P3).

Probabilities are averaged, so that an unsure frame weighs little and no single frame decides. Where too little was
gradable, or what was graded does not agree, the answer is UNGRADABLE with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from edge.findings import (
    GRADES,
    UNGRADABLE,
    ClipGrade,
    FrameGrade,
    GradeSet,
    Nerve,
    Reason,
    Shortfall,
    above,
    below,
)
from edge.manifest import Conformal, Thresholds
from edge.report import JoinedGrade
from edge.stages.grade import Probabilities, most_likely
from edge.stages.grade_set import grade_set, united

# Reasons of frames whose nerve, if they have one, is fit to be measured.
_MEASURED = (None, Reason.NO_GRADER, Reason.TOO_LATE, Reason.UNLIKE_TRAINING)


def aggregate(
    grades: Sequence[FrameGrade],
    nerves: Sequence[Nerve | None],
    thresholds: Thresholds,
    conformal: Conformal | None = None,
) -> ClipGrade:
    """The grade of one sweep; `nerves[i]` belongs to `grades[i]`.

    With the grader's `conformal` threshold the clip carries its set of grades, and is UNGRADABLE where that is wider
    than `max_grade_set`. The measures are of every nerve that was fit for the grader, whether it has graded it or not:
    the area of a forearm is wanted (P1) where its grade means nothing.
    """
    measured = [nerve for grade, nerve in zip(grades, nerves, strict=True) if nerve and grade.reason in _MEASURED]
    graded = [grade for grade in grades if grade.gradable]
    mean = _mean([grade.probabilities for grade in graded])
    possible = None if mean is None or conformal is None else grade_set(mean, conformal.threshold)
    unfit = _why_not(grades, graded, mean, thresholds) or _too_wide(possible, thresholds)
    reason, value, limit = unfit or (None, None, None)
    return ClipGrade(
        grade=UNGRADABLE if reason or mean is None else most_likely(mean),
        probabilities=mean,
        confidence=None if reason or mean is None else max(mean),
        cts_probability=None if mean is None else 1.0 - mean[0],
        csa_mm2=_median([nerve.csa_mm2 for nerve in measured]),
        ap_diameter_mm=_median([nerve.ap_diameter_mm for nerve in measured]),
        frames_graded=len(graded),
        frames_total=len(grades),
        reason=reason,
        unscaled=any(grade.unscaled for grade in graded),
        grade_set=possible,
        value=value,
        limit=limit,
        csa_uncertainty_mm2=_median([nerve.csa_uncertainty_mm2 for nerve in measured]),
        ap_diameter_uncertainty_mm=_median([nerve.ap_diameter_uncertainty_mm for nerve in measured]),
    )


def join_planes(transverse: ClipGrade, longitudinal: ClipGrade, thresholds: Thresholds) -> JoinedGrade:
    """One grade for a wrist seen in both planes: both must be graded, and they must not contradict each other.

    Its set unites those of both planes. That is wider than what the two know together, but it is the one set that
    keeps each plane's promise without subjects held out in both planes, and it can be made of two reports alone.
    """
    unfit = _shortfall(transverse) or _shortfall(longitudinal)
    mean = None if unfit else _mean([transverse.probabilities, longitudinal.probabilities])
    if mean is not None:
        apart = abs(GRADES.index(transverse.grade) - GRADES.index(longitudinal.grade))
        unfit = above(Reason.DISAGREEING_PLANES, apart, thresholds.max_plane_disagreement) or below(
            Reason.DISAGREEING_PLANES, max(mean), thresholds.min_confidence
        )
    possible = _united(transverse.grade_set, longitudinal.grade_set)
    reason, value, limit = unfit or _too_wide(possible, thresholds) or (None, None, None)
    return JoinedGrade(
        grade=UNGRADABLE if reason or mean is None else most_likely(mean),
        probabilities=mean,
        confidence=None if reason or mean is None else max(mean),
        cts_probability=None if mean is None else 1.0 - mean[0],
        reason=reason,
        unscaled=transverse.unscaled or longitudinal.unscaled,
        grade_set=possible,
        value=value,
        limit=limit,
        transverse=transverse,
        longitudinal=longitudinal,
    )


def _why_not(
    grades: Sequence[FrameGrade], graded: Sequence[FrameGrade], mean: Probabilities | None, thresholds: Thresholds
) -> Shortfall | None:
    if grades and not graded:
        return _commonest(grades)
    least = max(thresholds.min_clip_frames, thresholds.min_graded_share * len(grades))
    return below(Reason.TOO_FEW_FRAMES, len(graded), least) or below(
        Reason.DISAGREEING_FRAMES, max(mean or (0.0,)), thresholds.min_confidence
    )


def _commonest(grades: Sequence[FrameGrade]) -> Shortfall | None:
    """The commonest reason of frames, and of its limits, with the middle of the values held against that one."""
    reasons = Counter(grade.reason for grade in grades if grade.reason)
    if not reasons:
        return None
    reason = reasons.most_common(1)[0][0]
    alike = [grade for grade in grades if grade.reason is reason]
    limit = Counter(grade.limit for grade in alike).most_common(1)[0][0]
    return Shortfall(reason, _median([grade.value for grade in alike if grade.limit == limit]), limit)


def _too_wide(possible: GradeSet | None, thresholds: Thresholds) -> Shortfall | None:
    return None if possible is None else above(Reason.UNSURE, len(possible), thresholds.max_grade_set)


def _shortfall(clip: ClipGrade) -> Shortfall | None:
    return None if clip.reason is None else Shortfall(clip.reason, clip.value, clip.limit)


def _united(first: GradeSet | None, second: GradeSet | None) -> GradeSet | None:
    return None if first is None or second is None else united(first, second)


def _mean(rows: Sequence[Probabilities | None]) -> Probabilities | None:
    known = [row for row in rows if row is not None]
    if not known:
        return None
    normal, mild, moderate, severe = (float(value) for value in np.mean(known, axis=0))
    return normal, mild, moderate, severe


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
