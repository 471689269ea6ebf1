"""How good is a model on labelled frames of subjects it has not seen: each figure by subject, with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from convert.data.dataset import Sample
from convert.data.samples import grade_input, segment_input
from convert.quantizing.parity import Logits, Predict
from edge.bundle import Bundle
from edge.findings import GRADES
from edge.frame import Frame, Mask, Pixels
from edge.manifest import InputSpec
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
    """A grader against the true grades, one answer a wrist."""

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
        scores[number] = dice(nerve_mask(predict(picture)), truth)
    subjects = [sample.subject for sample in samples]
    return SegmentScore(
        dsc=figure(bootstrap_ci(lambda s: float(np.mean(s)), subjects, scores)),
        zero_overlap_share=float(np.mean(scores == 0)),
        images=len(samples),
        subjects=len(set(subjects)),
    )


def answers(predict: Predict, pictures: Sequence[Pixels], what: str) -> Iterator[Logits]:
    """The model's answer to each picture, with a progress bar called `what`."""
    for picture in tqdm(pictures, what, unit="frame", delay=2, leave=False):
        yield predict(picture)


def nerve_mask(logits: Logits) -> Mask:
    """(1, H, W, 1) logits -> (H, W), 1 = nerve: P > 0.5, the device's default."""
    return (logits[0, :, :, 0] > 0).astype(np.uint8)


def crop_probabilities(predict: Predict, samples: Sequence[Sample], spec: InputSpec) -> Floats:
    """P(each grade), (N, 4), of crops about the true masks: the grader alone, whatever the segmenter does."""
    crops = [grade_input(sample, spec) for sample in tqdm(samples, "read", unit="frame", delay=2, leave=False)]
    return np.array([grade_probabilities(logits.ravel().tolist()) for logits in answers(predict, crops, "grade")])


def wrists(samples: Sequence[Sample]) -> list[list[int]]:
    """Row numbers of each wrist's frames: one subject, one side where the table names it, one grade (P3)."""
    rows: dict[tuple[str, str, str], list[int]] = {}
    for number, sample in enumerate(samples):
        key = (sample.subject, sample.settings.get("side", ""), sample.grade or "")
        rows.setdefault(key, []).append(number)
    return list(rows.values())


def owners(samples: Sequence[Sample]) -> tuple[list[str], list[str]]:
    """The subject and the grade of each of `wrists(samples)`."""
    firsts = [samples[rows[0]] for rows in wrists(samples)]
    return [sample.subject for sample in firsts], [sample.grade or "" for sample in firsts]


def by_subject(samples: Sequence[Sample], values: Floats) -> tuple[list[str], list[str], Floats]:
    """Of each wrist: its subject, its grade, and the mean of `values` (N, ...) over its frames."""
    subjects, grades = owners(samples)
    return subjects, grades, np.array([values[rows].mean(axis=0) for rows in wrists(samples)])


def predicted_grades(probabilities: Floats) -> npt.NDArray[np.int64]:
    """Rows (W, 4) -> index into `GRADES` (W,), -1 where a row is nan: no grade was given."""
    known = ~np.isnan(probabilities).any(axis=1)
    return np.where(known, np.nan_to_num(probabilities).argmax(axis=1), -1)


def score_grades(subjects: Sequence[str], grades: Sequence[str], probabilities: Floats) -> GradeScore:
    """One row a wrist: its subject, its true grade, P(each grade) (W, 4) or nan where none was given.

    A wrist without a grade counts as wrong in the accuracy and is left out of the AUC.
    """
    whose, truth = np.array(subjects), np.array([GRADES.index(grade) for grade in grades])
    predicted = predicted_grades(probabilities)
    known = predicted >= 0
    return GradeScore(
        accuracy=figure(bootstrap_ci(accuracy, whose, truth, predicted)),
        auc=figure(bootstrap_ci(auc, whose[known], truth[known] > 0, 1 - probabilities[known, 0])),
        subjects=len(set(subjects)),
        ungradable_subjects=len(set(whose[~known].tolist())),
    )


def cascade_probabilities(pipelines: Sequence[Pipeline], samples: Sequence[Sample]) -> Floats:
    """P(each grade), (P, W, 4), that each pipeline gives each of `wrists(samples)`; nan where it gives no grade.

    As the device runs it: segment -> crop -> grade -> aggregate, one clip a wrist. Each picture is read once.
    """
    clips = wrists(samples)
    table = np.full((len(pipelines), len(clips), len(GRADES)), np.nan)
    for wrist, rows in enumerate(tqdm(clips, "cascade", unit="wrist", delay=2, leave=False)):
        frames = [Frame(samples[row].image(), 0, i, spacing=samples[row].spacing) for i, row in enumerate(rows)]
        for number, pipeline in enumerate(pipelines):
            seen = [pipeline(frame) for frame in frames]
            answer = aggregate([each.grade for each in seen], [each.nerve for each in seen], pipeline.thresholds)
            if answer.reason is None:
                table[number, wrist] = answer.probabilities
    return table


def score_cascade(bundle: Bundle, grader: str, samples: Sequence[Sample]) -> GradeScore:
    """The whole bundle against the true grades, as the device runs it."""
    pipeline = Pipeline(bundle, Options(grader=grader), stream=False)
    return score_grades(*owners(samples), cascade_probabilities([pipeline], samples)[0])
