"""Where a picture's pixels land on a model's input: one box there, one box here, one resize between them.

Used by the device, by calibration and by training alike, so that all three see the same pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from edge.frame import Pixels

NEARLY_AS_LARGE = math.sqrt(2)  # times the target: such a source is small, its means of fractions are soon taken


@dataclass(frozen=True)
class Box:
    """Whole pixels, `left`/`top` inside, `right`/`bottom` outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def of(self, pixels: Pixels) -> Pixels:
        """The part of `pixels` inside the box: a view."""
        return pixels[self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True)
class Placement:
    """`source` in a picture is drawn to fill `target` in a canvas; what lies outside `target` is black."""

    source: Box
    target: Box
    canvas_shape: tuple[int, int]

    @property
    def scale_x(self) -> float:
        """Canvas pixels per picture pixel, across."""
        return self.target.width / self.source.width

    @property
    def scale_y(self) -> float:
        """Canvas pixels per picture pixel, down."""
        return self.target.height / self.source.height

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        """A point of the canvas in the picture's coordinates; pixel centres lie at whole numbers."""
        return (
            (x + 0.5 - self.target.left) / self.scale_x + self.source.left - 0.5,
            (y + 0.5 - self.target.top) / self.scale_y + self.source.top - 0.5,
        )

    @cached_property
    def corners(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Where the canvas's columns and rows lie in the picture: `to_picture`, to a tenth of a pixel."""
        height, width = self.canvas_shape
        xs = tuple(round(self.to_picture(column, 0)[0], 1) for column in range(width))
        return xs, tuple(round(self.to_picture(0, row)[1], 1) for row in range(height))

    def paint(self, pixels: Pixels, canvas: Pixels) -> None:
        """Draw the source part of `pixels` (H, W) on `canvas`, which is written whole."""
        if self.target.width * self.target.height < canvas.size:
            canvas.fill(0)
        _resize(self.source.of(pixels), self.target.of(canvas))

    def lift(self, mask: Pixels, picture_shape: tuple[int, int]) -> Pixels:
        """A mask on the canvas (0 and 1) as a mask of the whole picture, 0 where the canvas did not reach."""
        lifted: Pixels = np.zeros(picture_shape, np.uint8)
        self.source.of(lifted)[:] = cv2.resize(
            self.target.of(mask), (self.source.width, self.source.height), interpolation=cv2.INTER_NEAREST
        )
        return lifted


def _resize(source: Pixels, target: Pixels) -> None:
    """Draw `source` over `target`; where it shrinks, each pixel is the mean of those that it covers.

    OpenCV takes a mean of fractions of pixels one by one, a mean of 2 x 2 by vectors. So what shrinks is brought to 2,
    4, 8 ... times its target, by less than 2, where bilinear means miss no pixel, and halved from there.
    """
    height, width = target.shape
    down, across = source.shape[0] / height, source.shape[1] / width
    if min(down, across) < NEARLY_AS_LARGE:
        how = cv2.INTER_AREA if max(down, across) > 1 else cv2.INTER_LINEAR
        cv2.resize(source, (width, height), dst=target, interpolation=how)
        return
    halvings = max(1, int(math.log2(min(down, across))))
    for times in range(halvings, 0, -1):
        larger = np.empty((height << times, width << times), np.uint8)
        cv2.resize(source, (width << times, height << times), dst=larger, interpolation=cv2.INTER_LINEAR)
        source = larger
    cv2.resize(source, (width, height), dst=target, interpolation=cv2.INTER_LINEAR)  # to a half: the mean of 2 x 2


def place_from_skin(picture_shape: tuple[int, int], canvas_shape: tuple[int, int], scale: float) -> Placement:
    """The picture at `scale` canvas pixels per pixel, its top (the skin) at the canvas's top, centred across.

    What does not fit is left out on both sides and below. At least one pixel is drawn, however large the scale.
    """
    height, width = picture_shape
    canvas_height, canvas_width = canvas_shape
    source_width = min(width, max(1, round(canvas_width / scale)))
    source_height = min(height, max(1, round(canvas_height / scale)))
    target_width = min(canvas_width, max(1, round(source_width * scale)))
    target_height = min(canvas_height, max(1, round(source_height * scale)))
    left, target_left = (width - source_width) // 2, (canvas_width - target_width) // 2
    return Placement(
        Box(left, 0, left + source_width, source_height),
        Box(target_left, 0, target_left + target_width, target_height),
        canvas_shape,
    )


def place_about(
    picture_shape: tuple[int, int], canvas_shape: tuple[int, int], centre: tuple[float, float], side_px: float
) -> Placement:
    """The square of `side_px` about `centre` (x, y), which lies in the picture, as far as the picture reaches.

    The whole square would fill the canvas; at least one pixel is drawn.
    """
    height, width = picture_shape
    canvas_height, canvas_width = canvas_shape
    left, top = round(centre[0] - side_px / 2), round(centre[1] - side_px / 2)
    side = max(1, round(side_px))
    source_left, source_top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    source = Box(
        source_left,
        source_top,
        max(source_left + 1, min(left + side, width)),
        max(source_top + 1, min(top + side, height)),
    )
    across, down = canvas_width / side, canvas_height / side
    target_left = min(round((source.left - left) * across), canvas_width - 1)
    target_top = min(round((source.top - top) * down), canvas_height - 1)
    target = Box(
        target_left,
        target_top,
        min(max(target_left + 1, round((source.right - left) * across)), canvas_width),
        min(max(target_top + 1, round((source.bottom - top) * down)), canvas_height),
    )
    return Placement(source, target, canvas_shape)
