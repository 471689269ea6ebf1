"""The cases in which a model did worst, as pictures: what is inside the ultrasound picture, nothing round it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convert.data.dataset import Sample
from convert.data.samples import grade_input, segment_input
from convert.evaluation.grades import NO_GRADE, GradeRows
from convert.evaluation.masks import MaskRows, nerve_mask
from convert.evaluation.sides import Network
from edge.findings import GRADES
from edge.frame import Frame, Mask, Pixels
from edge.pipeline import Pipeline

WORST = 10


@dataclass(frozen=True)
class Case:
    """A picture with what is true and what the model made of it; a mask is None where nobody drew one."""

    told: str
    picture: Pixels  # (H, W)
    truth: Mask | None  # (H, W)
    answer: Mask | None  # (H, W)


def worst_masks(network: Network, samples: Sequence[Sample], rows: MaskRows) -> list[Case]:
    """The images of lowest DSC, the worst first, on the segmenter's canvas."""
    overlap = rows.measures[:, 0]
    cases = []
    for row in np.argsort(overlap, kind="stable")[:WORST].tolist():
        picture, truth = segment_input(samples[row], network.spec)
        cases.append(
            Case(f"{rows.files[row]}: DSC {overlap[row]:.2f}", picture, truth, nerve_mask(network.predict(picture)))
        )
    return cases


def worst_crops(network: Network, samples: Sequence[Sample], rows: GradeRows) -> list[Case]:
    """The wrists graded wrong, the farthest off first: the crop of the first frame."""
    by_file = {sample.file: sample for sample in samples}
    return [
        Case(told(rows, row), grade_input(by_file[rows.files[row]], network.spec), None, None) for row in _wrong(rows)
    ]


def worst_wrists(pipeline: Pipeline, samples: Sequence[Sample], rows: GradeRows) -> list[Case]:
    """The wrists graded wrong or not at all, the farthest off first: the first frame as the device reads the screen."""
    by_file = {sample.file: sample for sample in samples}
    cases = []
    for row in _wrong(rows):
        sample = by_file[rows.files[row]]
        seen = pipeline(Frame(sample.image(), 0, 0, spacing=sample.spacing))
        if seen.scan is None:
            cases.append(Case(told(rows, row), sample.image(), None, None))
            continue
        truth = None if sample.mask_path is None else seen.scan.roi.of(sample.mask())
        cases.append(Case(told(rows, row), seen.scan.pixels.copy(), truth, seen.scan_mask()))
    return cases


def told(rows: GradeRows, row: int) -> str:
    """A wrist's truth and answer in a line."""
    given = rows.predicted[row]
    if given == NO_GRADE:
        answer = f"no grade: {rows.reasons[row]}"
    else:
        answer = f"given {GRADES[given]} ({rows.probabilities[row, given]:.0%})"
    return f"{rows.files[row]}: true {GRADES[rows.truth[row]]}, {answer}"


def _wrong(rows: GradeRows) -> list[int]:
    """Wrists graded wrong: by how many grades, then by how little the true grade was thought of; ungraded ones last."""
    given = rows.predicted
    off = np.where(given == NO_GRADE, 0.5, np.abs(given - rows.truth))
    thought = np.nan_to_num(rows.probabilities[np.arange(len(off)), rows.truth], nan=1.0)
    order = np.lexsort((thought, -off))
    return [row for row in order.tolist() if off[row] > 0][:WORST]
