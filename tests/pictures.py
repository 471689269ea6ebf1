"""Pictures with a known nerve for the networks of `tests.tiny_tflite`: dark speckle and bright ellipses in it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from edge.frame import UNKNOWN_SPACING, Frame, Pixels, Roi, Spacing

MM_PER_PX = 0.1
SHAPE = (300, 380)  # px: 30 x 38 mm, as a linear probe shows
NERVE, TISSUE = 220, (30, 91)  # grey levels; midway between them lies the level of `tiny_tflite.segmenter`
BORDER_PX = 1.6  # standard deviation


stroke_font = pytest.mark.xfail(
    int(cv2.__version__.split(".")[0]) < 5,
    reason="OpenCV before 5 draws Hershey's strokes: larger, a 1 without a foot, bars of letters in a row",
    strict=False,
)


@dataclass(frozen=True)
class Oval:
    """An ellipse in millimetres of the picture: centre, half axes, angle of the first (positive = right end deeper)."""

    x: float
    y: float
    a: float
    b: float
    angle_deg: float = 0.0

    @property
    def area_mm2(self) -> float:
        return math.pi * self.a * self.b

    @property
    def perimeter_mm(self) -> float:
        """By Ramanujan's second formula."""
        h = ((self.a - self.b) / (self.a + self.b)) ** 2
        return math.pi * (self.a + self.b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))

    def covers(self, x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
        """Which of the points lie inside."""
        cos, sin = math.cos(math.radians(self.angle_deg)), math.sin(math.radians(self.angle_deg))
        along = (x_mm - self.x) * cos + (y_mm - self.y) * sin
        across = (y_mm - self.y) * cos - (x_mm - self.x) * sin
        return (along / self.a) ** 2 + (across / self.b) ** 2 <= 1


CENTRED = Oval(19.0, 12.0, 4.0, 2.0)


def tissue(shape: tuple[int, int] = SHAPE, seed: int = 0) -> Pixels:
    """Layered speckle without a nerve, finer downwards than sideways, as a beam's is; as bright here as there."""
    rng, (low, high) = np.random.default_rng(seed), TISSUE
    speckle, layers = (_grain(shape, rng, *size) for size in ((2.0, 0.8), (shape[1] / 32, shape[0] / 100)))
    return np.clip((low + high) / 2 + (high - low) / 6 * (speckle + layers), low, high - 1).astype(np.uint8)


def _grain(shape: tuple[int, int], rng: np.random.Generator, across: float, down: float) -> np.ndarray:
    """Noise of this grain, px, mean 0 in every part and standard deviation 1."""
    grain = cv2.GaussianBlur(rng.standard_normal(shape), (0, 0), sigmaX=across, sigmaY=down)
    grain -= cv2.GaussianBlur(grain, (0, 0), max(4.0, shape[1] / 15))
    return grain / grain.std()


def wrist(
    *ovals: Oval,
    shape: tuple[int, int] = SHAPE,
    mm_per_px: float = MM_PER_PX,
    seed: int = 0,
    border_px: float = BORDER_PX,
) -> Pixels:
    """Speckle with each of `ovals` bright in it, their borders as soft as a beam makes them: sharp ones are ink."""
    y, x = (np.mgrid[: shape[0], : shape[1]] + 0.5) * mm_per_px
    sharp = np.zeros(shape, np.float32)
    for oval in ovals:
        sharp[oval.covers(x, y)] = 1.0
    share = cv2.GaussianBlur(sharp, (0, 0), border_px)
    return np.round(share * NERVE + (1 - share) * tissue(shape, seed)).astype(np.uint8)


def is_nerve(picture: Pixels) -> np.ndarray:
    """(H, W): where a picture of `wrist` shows nerve, up to the middle of its border."""
    return picture > (NERVE + sum(TISSUE) / 2) / 2


def screen(picture: Pixels, at: tuple[int, int] = (200, 90), shape: tuple[int, int] = (1080, 1920)) -> Pixels:
    """A machine's BGR screen, flat and dark, words along its edges, with a grey picture at (x, y)."""
    whole, (height, width) = np.full((*shape, 3), 12, np.uint8), shape
    for word, left, bottom in (("CONSOLE", 0.02, 0.04), ("DWC", 0.9, 0.04), ("Gain", 0.02, 0.98), ("Store", 0.9, 0.98)):
        origin = round(left * width), round(bottom * height)
        cv2.putText(whole, word, origin, cv2.FONT_HERSHEY_SIMPLEX, height / 1200, (210, 210, 210), 1, cv2.LINE_AA)
    x, y = at
    whole[y : y + picture.shape[0], x : x + picture.shape[1]] = picture[:, :, None]
    return whole


def frame(
    pixels: Pixels | None, *, index: int = 0, mm_per_px: float | None = MM_PER_PX, whole: bool = True, name: str = ""
) -> Frame:
    """A frame whose spacing is stated, and whose region is all of it if `whole`."""
    spacing = UNKNOWN_SPACING if mm_per_px is None else Spacing(mm_per_px, "dicom")
    region = Roi(0, 0, pixels.shape[1], pixels.shape[0]) if whole and pixels is not None else None
    return Frame(pixels=pixels, timestamp_ns=0, index=index, name=name, spacing=spacing, region=region)


@dataclass
class Listed:
    """A source of frames that are in hand; their stamps are set as they are given."""

    frames: list[Frame]
    stream: bool = False

    def __len__(self):
        return len(self.frames)

    def __iter__(self):
        for each in self.frames:
            yield replace(each, timestamp_ns=time.monotonic_ns())

    def close(self):
        pass
