"""The parity gate: a float model and its INT8 model on the same frames, in clinical units.

    labelled    segmenter against true masks, grader against true grades, by subject
    unlabelled  float's own answers are the truth: agreement, by picture

A `Trial` holds the frames, read once, and float's answers; it is called with each INT8 candidate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from convert.data.dataset import DataFolder, Sample
from convert.data.samples import grade_input, segment_input
from convert.errors import DataError
from convert.evaluation.masks import Seen, answers, look, nerve_mask
from convert.evaluation.wrists import by_subject
from convert.gate.figures import (
    Rows,
    class_agreement,
    grade_agreement,
    grade_figures,
    mask_agreement,
    mask_figures,
    mask_row,
)
from convert.gate.verdict import Gate, GateFigure, Margins, gate
from convert.quantizing.parity import Logits, Predict
from edge.findings import View
from edge.frame import Pixels
from edge.manifest import InputSpec, Task
from edge.progress import tracked
from edge.stages.grade import grade_probabilities

Row: TypeAlias = Callable[[int, Logits], Sequence[float] | Rows]
"""What is kept of the answer to picture i."""
DEFAULT_MARGINS = Margins()


@dataclass(frozen=True)
class Trial:
    """Frames, read once, with what float makes of them."""

    pictures: Sequence[Pixels]
    row: Row
    float_rows: Rows  # (N, ...)
    figures: Callable[[Rows, Rows], list[GateFigure]]  # of float's rows and INT8's
    about: Mapping[str, Any]  # the fields of the `Gate` that no answer changes

    def __call__(self, int8_predict: Predict) -> Gate:
        """The gate of one INT8 model."""
        return gate(self.figures(self.float_rows, rows_of(int8_predict, self.pictures, self.row, "INT8")), **self.about)


def segmenter_trial(
    float_predict: Predict,
    folder: DataFolder,
    spec: InputSpec,
    *,
    view: View = "transverse",
    margins: Margins = DEFAULT_MARGINS,
) -> Trial:
    """DSC, zero overlap, HD95 and the error of the nerve's size, on the frames of `folder` that have a mask.

    Raises:
        DataError: none has one.
    """
    samples = labelled_samples(folder, "segment", view)
    inputs = [segment_input(sample, spec) for sample in tracked(samples, "read", unit="frame")]
    pictures = [picture for picture, _ in inputs]
    truths = [look(mask, view) for _, mask in inputs]
    spacings = [spec.mm_per_px if sample.spacing.mm_per_px is not None else math.nan for sample in samples]
    subjects = [sample.subject for sample in samples]
    row = _against(truths, view)

    def figures(in_float: Rows, in_int8: Rows) -> list[GateFigure]:
        return mask_figures(subjects, np.array(spacings), in_float, in_int8, view, margins)

    about = about_labelled("segmenter", folder, samples, view)
    return Trial(pictures, row, rows_of(float_predict, pictures, row, "float"), figures, about)


def grader_trial(
    float_predict: Predict,
    folder: DataFolder,
    spec: InputSpec,
    *,
    view: View = "transverse",
    margins: Margins = DEFAULT_MARGINS,
) -> Trial:
    """AUC, kappa, accuracy and changed grades, one answer a wrist, on the frames that have a grade and a mask.

    Raises:
        DataError: none has both.
    """
    samples = labelled_samples(folder, "grade", view)
    pictures = [grade_input(sample, spec) for sample in tracked(samples, "read", unit="frame")]

    def figures(in_float: Rows, in_int8: Rows) -> list[GateFigure]:
        subjects, grades, before = by_subject(samples, in_float)
        return grade_figures(subjects, grades, before, by_subject(samples, in_int8)[2], margins)

    about = about_labelled("grader", folder, samples, view)
    return Trial(pictures, _graded, rows_of(float_predict, pictures, _graded, "float"), figures, about)


def agreement_trial(
    float_predict: Predict,
    pictures: Sequence[Pixels],
    task: Task,
    *,
    view: View = "transverse",
    margins: Margins = DEFAULT_MARGINS,
) -> Trial:
    """How far INT8 agrees with float on pictures as the model takes them, of which nobody knows the truth.

    Raises:
        DataError: there is no picture.
    """
    if not pictures:
        raise DataError("no picture to compare float and INT8 on: give a folder with some")
    about = {
        "of": {"segment": "segmenter", "grade": "grader", "classify": "classifier"}[task],
        "labelled": False,
        "drawn_are": "pictures",
        "frames": len(pictures),
        "subjects": len(pictures),
    }
    names = [str(number) for number in range(len(pictures))]
    if task == "segment":
        truths = [look(nerve_mask(logits), view) for logits in answers(float_predict, pictures, "gate float")]
        in_float = np.array([mask_row(truth, truth) for truth in truths])
        row = _against(truths, view)
        return Trial(pictures, row, in_float, lambda a, b: mask_agreement(names, a, b, view, margins), about)
    row, agreement = (_graded, grade_agreement) if task == "grade" else (_flat, class_agreement)
    in_float = rows_of(float_predict, pictures, row, "float")
    return Trial(pictures, row, in_float, lambda a, b: agreement(names, a, b, margins), about)


def rows_of(predict: Predict, pictures: Sequence[Pixels], row: Row, side: str) -> Rows:
    """What is kept of each answer, (N, ...)."""
    return np.array([row(number, logits) for number, logits in enumerate(answers(predict, pictures, f"gate {side}"))])


def labelled_samples(folder: DataFolder, task: Literal["segment", "grade"], view: View) -> list[Sample]:
    """The samples of this view that carry the label of the task: a mask, and for a grader a grade and a nerve in it.

    Raises:
        DataError: none does; the line says what is missing.
    """
    seen = [sample for sample in folder if sample.view in ("", view)]
    if not seen:
        raise DataError(f"{folder.path}: holds no {view} frame: its view column says otherwise")
    graded = seen if task == "segment" else [sample for sample in seen if sample.grade is not None]
    if not graded:
        missing = "none of its frames has a grade" if folder.labelled else "it has no labels.csv, so no grade"
        raise DataError(f"{folder.path}: {missing}: a grader is gated on frames with a grade in labels.csv")
    masked = [sample for sample in graded if sample.mask_path is not None]
    if not masked:
        raise DataError(
            f"{folder.path}: none of its {len(graded)} frames has a mask: put masks/NAME beside each images/NAME, "
            "with the nerve not zero"
        )
    if task == "segment":
        return masked
    with_nerve = [sample for sample in masked if sample.mask().any()]
    if not with_nerve:
        raise DataError(f"{folder.path}: all of its {len(masked)} masks are empty: no nerve to crop about")
    return with_nerve


def about_labelled(of: str, folder: DataFolder, samples: Sequence[Sample], view: View) -> dict[str, Any]:
    """The fields of a `Gate` that the frames alone decide."""
    notes = [] if folder.labelled else [f"{folder.path.name} has no labels.csv: each picture is taken for a subject"]
    return {
        "of": of,
        "labelled": True,
        "frames": len(samples),
        "subjects": len({sample.subject for sample in samples}),
        "left_out": sum(sample.view in ("", view) for sample in folder) - len(samples),
        "notes": tuple(notes),
    }


def _against(truths: Sequence[Seen], view: View) -> Row:
    def row(number: int, logits: Logits) -> Sequence[float]:
        return mask_row(look(nerve_mask(logits), view), truths[number])

    return row


def _graded(_: int, logits: Logits) -> Sequence[float]:
    return grade_probabilities(logits.ravel().tolist())


def _flat(_: int, logits: Logits) -> Rows:
    return logits.ravel()
