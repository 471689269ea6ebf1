"""The calibration set (TFLite's "representative dataset"): frames as the device feeds them, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from convert.data.dataset import DataFolder, Sample
from convert.data.samples import classify_input, grade_input, segment_picture
from convert.errors import DataError
from edge.findings import View
from edge.frame import Pixels
from edge.manifest import Calibration, InputSpec, Task

_INPUTS: Mapping[Task, Callable[[Sample, InputSpec], Pixels]] = {
    "segment": segment_picture,
    "grade": grade_input,
    "classify": classify_input,
}


@dataclass(frozen=True)
class CalibrationSet:
    """The frames of one view for one task. Iterating gives the pictures on the model's canvas, in a fixed order."""

    samples: tuple[Sample, ...]
    task: Task
    spec: InputSpec

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Pixels]:
        return map(self.picture, self.samples)

    def picture(self, sample: Sample) -> Pixels:
        """One sample as the device feeds it: (height, width), or (height, width, 3) RGB, uint8.

        Raises:
            DataError: its picture or the mask it needs cannot be used.
        """
        return _INPUTS[self.task](sample, self.spec)


def calibration_entry(pictures: Sequence[Pixels]) -> Calibration:
    """What the manifest says of the set: the digest covers each picture as fed, in order."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(picture.tobytes())
    return Calibration(digest=digest.hexdigest(), frames=len(pictures))


def calibration_set(folder: DataFolder, task: Task, view: View, spec: InputSpec) -> CalibrationSet:
    """The frames of `folder` that fit: of this view where the table says one, and for a grader those with a grade.

    Raises:
        DataError: none fits.
    """
    chosen = [sample for sample in folder if sample.view in ("", view)]
    if task == "grade":
        chosen = [sample for sample in chosen if sample.grade is not None] or chosen
    if not chosen:
        raise DataError(f"{folder.path}: holds no {view} frame to calibrate on: its view column says otherwise")
    return CalibrationSet(tuple(chosen), task, spec)
