"""Labelled folders of pictures with a known nerve, and what the tiny models of `tests.tiny_tflite` make of them."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from convert.data.dataset import DataFolder, read_data_folder
from edge.findings import GRADES
from tests import tiny_tflite
from tests.conftest import CUTS, GRADE_SPEC, SEGMENT_SPEC
from tests.pictures import MM_PER_PX, Oval, is_nerve, wrist
from tests.tiny_tflite import CONV_2D_OPTIONS, FLOAT32, FULLY_CONNECTED_OPTIONS, Graph, Scalar, Tensor

AREAS_MM2 = (8.0, 15.0, 24.0, 35.0)  # one for each grade, as the brightness grader of `tests.conftest` sees them
COLUMNS = ("file", "subject", "grade", "view", "spacing_mm", "side")


def nerve_of(number: int) -> Oval:
    """The nerve of grade `number` % 4, at a place of its own."""
    a = math.sqrt(AREAS_MM2[number % 4] / math.pi * 2)
    return Oval(17.0 + number % 5, 12.0 + number % 3, a, a / 2)


def row(number: int, *, grade: str | None = None, spacing: str = str(MM_PER_PX)) -> tuple[str, ...]:
    """A line of labels.csv: two frames a subject, grades in turn by subject."""
    subject = number // 2
    return f"{number}.png", f"S{subject}", GRADES[subject % 4] if grade is None else grade, "transverse", spacing, ""


def write(path: Path, rows: Sequence[Sequence[str]], *, masks: bool = True) -> DataFolder:
    """A data folder whose picture i shows the nerve of its row's number."""
    (path / "images").mkdir(parents=True)
    (path / "masks").mkdir()
    for line in rows:
        number = int(Path(line[0]).stem)
        pixels = wrist(nerve_of(number // 2), seed=number)
        cv2.imwrite(str(path / "images" / line[0]), pixels)
        if masks:
            cv2.imwrite(str(path / "masks" / line[0]), is_nerve(pixels).astype(np.uint8) * 255)
    with (path / "labels.csv").open("w", newline="") as table:
        csv.writer(table).writerows([COLUMNS, *rows])
    return read_data_folder(path)


def float_segmenter(grey_level: float = 140.0) -> bytes:
    """As `tiny_tflite.segmenter`, in float."""
    size = SEGMENT_SPEC.width
    tensors = [
        Tensor((1, size, size, 1), FLOAT32),
        Tensor((1, 1, 1, 1), FLOAT32, values=np.array([40.0], np.float32)),
        Tensor((1,), FLOAT32, values=np.array([-40.0 * grey_level / 255], np.float32)),
        Tensor((1, size, size, 1), FLOAT32),
    ]
    convolution = (tiny_tflite.CONV_2D, [0, 1, 2], [3], CONV_2D_OPTIONS, {1: Scalar("i", 1), 2: Scalar("i", 1)})
    return tiny_tflite.tflite(Graph(tensors, [convolution], [3]))


def float_grader(cuts: tuple[float, ...] = CUTS) -> bytes:
    """As `tiny_tflite.grader`, in float."""
    size = GRADE_SPEC.width
    pixels = size * size
    tensors = [
        Tensor((1, size, size, 1), FLOAT32),
        Tensor((len(cuts), pixels), FLOAT32, values=np.full((len(cuts), pixels), 255 / 1.5 / pixels, np.float32)),
        Tensor((len(cuts),), FLOAT32, values=(-np.array(cuts) / 1.5).astype(np.float32)),
        Tensor((1, len(cuts)), FLOAT32),
    ]
    dense = (tiny_tflite.FULLY_CONNECTED, [0, 1, 2], [3], FULLY_CONNECTED_OPTIONS, {})
    return tiny_tflite.tflite(Graph(tensors, [dense], [3]))
