"""How good is a model on labelled frames of subjects it has not seen: each figure by subject, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from convert.dataset import Sample
from convert.parity import Predict
from convert.samples import grade_input, segment_input
from edge.bundle import Bundle
from edge.findings import GRADES
from edge.frame import Frame
from edge.manifest import InputSpec, Thresholds
from edge.metrics import Interval, accuracy, auc, bootstrap_ci, dice
from edge.pipeline import Options, Pipeline
from edge.stages.aggregate import aggregate
from edge.stages.grade import grade_probabilities

Floats = npt.NDArray[np.float64]


class Figure(msgspec.Struct, frozen=True):
    """A figure with its 95 % interval by bootstrap over subjects."""

    value: float
    ci95: tuple[float, float]


class SegmentScore(msgspec.Struct, frozen=True):
    """A segmenter against the true masks, on its own canvas."""

    dsc: Figure
    zero_overlap_share: float
    images: int
    subjects: int


class GradeScore(msgspec.Struct, frozen=True):
    """A grader against the true grades, one answer a subject."""

    accuracy: Figure
    auc: Figure  # CTS against normal (P2)
    subjects: int
    ungradable_subjects: int = 0


def figure(interval: Interval) -> Figure:
    return Figure(interval.value, (interval.low, interval.high))


def score_segmenter(predict: Predict, samples: Sequence[Sample], spec: InputSpec) -> SegmentScore:
    """DSC of each image, averaged; positive logits are nerve."""
    scores = np.empty(len(samples))
    for number, sample in enumerate(tqdm(samples, "segment", unit="frame", delay=2, leave=False)):
        picture, truth = segment_input(sample, spec)
        scores[number] = dice(predict(picture)[0, :, :, 0] > 0, truth)
    subjects = [sample.subject for sample in samples]
    return SegmentScore(
        dsc=figure(bootstrap_ci(lambda s: float(np.mean(s)), subjects, scores)),
        zero_overlap_share=float(np.mean(scores == 0)),
        images=len(samples),
        subjects=len(set(subjects)),
    )


def crop_probabilities(predict: Predict, samples: Sequence[Sample], spec: InputSpec) -> Floats:
    """P(each grade), (N, 4), of crops about the true masks: the grader alone, whatever the segmenter does."""
    bar = tqdm(samples, "grade", unit="frame", delay=2, leave=False)
    return np.array([grade_probabilities(predict(grade_input(sample, spec)).ravel()) for sample in bar])


def by_subject(samples: Sequence[Sample], values: Floats) -> tuple[list[str], list[str], Floats]:
    """Subjects, their grades, and the mean of `values` (N, ...) over each subject's frames."""
    rows: dict[str, list[int]] = {}
    for number, sample in enumerate(samples):
        rows.setdefault(sample.subject, []).append(number)
    grades = [samples[numbers[0]].grade or "" for numbers in rows.values()]
    return list(rows), grades, np.array([values[numbers].mean(axis=0) for numbers in rows.values()])


def score_grades(subjects: Sequence[str], grades: Sequence[str], probabilities: Floats) -> GradeScore:
    """One row of `probabilities` (S, 4) a subject."""
    truth = np.array([GRADES.index(grade) for grade in grades])
    predicted = probabilities.argmax(axis=1)
    return GradeScore(
        accuracy=figure(bootstrap_ci(accuracy, subjects, truth, predicted)),
        auc=figure(bootstrap_ci(auc, subjects, truth > 0, 1 - probabilities[:, 0])),
        subjects=len(subjects),
    )


def score_cascade(bundle: Bundle, grader: str, samples: Sequence[Sample]) -> GradeScore:
    """The bundle as the device runs it, segment -> crop -> grade -> aggregate, one clip a subject.

    A subject without a grade counts as wrong in the accuracy and is left out of the AUC; their number is told.
    """
    subjects, grades, probabilities, ungradable = [], [], [], 0
    clips: dict[str, list[Sample]] = {}
    for sample in samples:
        clips.setdefault(sample.subject, []).append(sample)
    pipeline = Pipeline(bundle, Options(grader=grader), stream=False)
    for subject, clip in tqdm(clips.items(), "cascade", unit="subject", delay=2, leave=False):
        seen = [pipeline(Frame(s.image(), 0, i, spacing=s.spacing)) for i, s in enumerate(clip)]
        answer = aggregate([o.grade for o in seen], [o.nerve for o in seen], Thresholds())
        ungradable += answer.probabilities is None
        subjects.append(subject)
        grades.append(clip[0].grade or "")
        probabilities.append(answer.probabilities or (np.nan,) * len(GRADES))
    known = ~np.isnan(np.array(probabilities)[:, 0])
    truth = np.array([GRADES.index(grade) for grade in grades])
    table = np.array(probabilities)
    predicted = np.where(known, np.nan_to_num(table).argmax(axis=1), -1)
    owners = np.array(subjects)
    return GradeScore(
        accuracy=figure(bootstrap_ci(accuracy, owners, truth, predicted)),
        auc=figure(bootstrap_ci(auc, owners[known], truth[known] > 0, 1 - table[known, 0])),
        subjects=len(subjects),
        ungradable_subjects=ungradable,
    )
