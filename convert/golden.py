"""Golden vectors of a converted model: made pictures, and LiteRT's raw INT8 answers, which every device must repeat.

No picture of a patient may get into a bundle, so none is taken: the pictures are three simulated wrists, placed as
the device places them, and one that holds every grey level.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import PurePosixPath

import cv2
import numpy as np

from convert.data.samples import UNSCALED_CROP_SHARE
from convert.phantom.folder import Population, exam
from convert.phantom.frames import PhantomFrame
from edge.findings import View
from edge.frame import Pixels, Roi, Scan, Spacing
from edge.golden import GoldenVectors, answer, encode_golden
from edge.interpreter import open_model, picture_shape
from edge.manifest import ModelEntry
from edge.stages.crop import place_crop
from edge.stages.segment import place_scan

POPULATION_SEED = 29  # no population that trains, tests, calibrates or demonstrates
SUBJECTS = (0, 2, 3)  # of that population: normal, moderate, severe


def golden_file(model_file: str) -> str:
    """The name of the golden vectors of a model file, in the same bundle."""
    return f"golden/{PurePosixPath(model_file).stem}.npy"


def pictures_in(golden: bytes) -> int:
    """How many pictures a file of golden vectors holds."""
    return int(np.load(io.BytesIO(golden), allow_pickle=False).shape[0])


def golden_vectors(entry: ModelEntry, int8: bytes, view: View = "transverse") -> bytes:
    """The golden vectors of an INT8 model, as `edge.golden.decode_golden` reads them; the same model, the same bytes.

    Raises:
        InterpreterError: LiteRT is not installed, or cannot run the model.
    """
    model = open_model(int8, backend="litert")
    shape = picture_shape(model.input_shape)
    inputs = np.stack([*(_as_fed(frame, entry, shape) for frame in _phantoms(view)), _every_grey_level(shape)])
    outputs = np.stack([answer(model, picture)[0] for picture in inputs])
    return encode_golden(GoldenVectors(inputs, outputs))


@cache
def _phantoms(view: View) -> tuple[PhantomFrame, ...]:
    """The same for every model of a bundle; the pictures are read, never written."""
    population = Population(POPULATION_SEED, max(SUBJECTS) + 1, {view: 1})
    return tuple(next(exam(population, index)) for index in SUBJECTS)


def _as_fed(frame: PhantomFrame, entry: ModelEntry, shape: tuple[int, ...]) -> Pixels:
    """The frame on the model's canvas: a scan, the crop about its nerve, or the whole of it for a classifier."""
    height, width = shape[:2]
    if entry.task not in ("segment", "grade"):
        resized = cv2.resize(frame.pixels, (width, height), interpolation=cv2.INTER_AREA)
        return _in_channels(np.asarray(resized, np.uint8), shape)
    rows, columns = frame.pixels.shape
    scan = Scan(frame.pixels, Spacing(frame.mm_per_px, "manual"), Roi(0, 0, columns, rows))
    if entry.task == "segment":
        placement = place_scan((rows, columns), scan.spacing, entry.input)
    else:
        y, x = np.argwhere(frame.mask).mean(axis=0)
        placement = place_crop(scan, (x, y), entry.input, UNSCALED_CROP_SHARE)
    canvas = np.zeros((height, width), np.uint8)
    placement.paint(frame.pixels, canvas)
    return canvas


def _every_grey_level(shape: tuple[int, ...]) -> Pixels:
    """0 to 255 from the first pixel to the last."""
    height, width = shape[:2]
    grey = np.linspace(0, 255, height * width).round().astype(np.uint8).reshape(height, width)
    return _in_channels(grey, shape)


def _in_channels(grey: Pixels, shape: tuple[int, ...]) -> Pixels:
    """The grey picture itself, or repeated in every channel of a model that takes colours."""
    return grey if len(shape) == 2 else np.repeat(grey[:, :, None], shape[2], axis=2)
