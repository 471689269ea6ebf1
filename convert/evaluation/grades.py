"""A grader against the true grades: one row a wrist, whether the crops are about the true nerve or the device's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convert.data.dataset import Sample
from convert.data.samples import grade_input
from convert.evaluation.wrists import by_subject, predicted_grades, wrists
from convert.quantizing.parity import Predict
from edge.findings import GRADES
from edge.manifest import InputSpec
from edge.progress import tracked
from edge.stages.grade import grade_probabilities

Floats = npt.NDArray[np.float64]

NO_GRADE = -1  # in the place of an index into `GRADES`


@dataclass(frozen=True)
class GradeRows:
    """One row a wrist.

    A wrist without a grade is an answer of its own: wrong in the accuracy, missed in the recall of its class, no call
    of any class in precision and specificity, and left out of AUC, kappa and ECE.
    """

    subjects: tuple[str, ...]  # (W,)
    files: tuple[str, ...]  # (W,) the first frame of each
    truth: npt.NDArray[np.int64]  # (W,) index into `GRADES`
    probabilities: Floats  # (W, 4), nan where no grade was given
    reasons: tuple[str, ...] = ()  # (W,) why none was, "" where one was; empty for a grader, which always answers

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The grade given, (W,): index into `GRADES`, -1 where none was."""
        return predicted_grades(self.probabilities)


def graded_rows(samples: Sequence[Sample], probabilities: Floats, reasons: Sequence[str] = ()) -> GradeRows:
    """The rows of `wrists(samples)` from what was answered to each wrist, (W, 4)."""
    firsts = [samples[rows[0]] for rows in wrists(samples)]
    return GradeRows(
        subjects=tuple(sample.subject for sample in firsts),
        files=tuple(sample.file for sample in firsts),
        truth=np.array([GRADES.index(sample.grade or "") for sample in firsts], np.int64),
        probabilities=probabilities,
        reasons=tuple(reasons),
    )


def grade_rows(predict: Predict, samples: Sequence[Sample], spec: InputSpec, temperature: float = 1.0) -> GradeRows:
    """Run a grader on crops about the true masks: the grader alone, whatever a segmenter does.

    Each sample has a grade and a mask with a nerve in it; a wrist's answer is the mean over its frames.

    Raises:
        DataError: a picture or a mask cannot be read, their sizes differ, or a mask is empty.
    """
    return graded_rows(samples, by_subject(samples, crop_probabilities(predict, samples, spec, temperature))[2])


def crop_probabilities(
    predict: Predict, samples: Sequence[Sample], spec: InputSpec, temperature: float = 1.0
) -> Floats:
    """P(each grade), (N, 4), of crops about the true masks."""
    rows = np.empty((len(samples), len(GRADES)))
    for number, sample in enumerate(tracked(samples, "grade", unit="frame")):
        rows[number] = grade_probabilities(predict(grade_input(sample, spec)).ravel().tolist(), temperature)
    return rows
