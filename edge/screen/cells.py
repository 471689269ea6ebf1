"""A screen in cells, a few pixels each: the levels it is drawn with, and where it changes from pixel to pixel.

What a screen is drawn with is flat: backgrounds, bars, buttons, the paper under text. A level that takes a share of the
screen in flat areas is ground.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Pixels

LOOK = 320  # cells to a screen's width: 6 px at 1080p, about a third of a letter
REDUCE_FROM = 800  # px of width; a larger screen is first made smaller by a whole number: speckle on it is drawn large
STEP = 2  # grey levels within 3 x 3 pixels that count as a change; a flat area that was compressed has steps of 1
GROUND_SHARE = 0.01  # of the screen lies flat at one level: a colour that the screen is drawn with

_SQUARE = np.ones((3, 3), np.uint8)

Cells = npt.NDArray[np.uint8]  # one value a cell


@dataclass(frozen=True)
class Look:
    """A screen in cells."""

    full: Pixels
    grey: Pixels  # reduced
    steps: Pixels  # of `grey`, within 3 x 3 pixels
    ground: npt.NDArray[np.bool_]  # (256,) the levels that the screen is drawn with
    size: tuple[int, int]  # cells across, cells down
    busy: Cells  # share of a cell's pixels that differ from their neighbours, 0..255
    off: Cells  # share of a cell's pixels that are off the ground, 0..255; 0 where the cell's mean is on it
    mean: Cells  # grey level


def look_at(full: Pixels, ground_share: float = GROUND_SHARE) -> Look:
    """A grey screen (H, W) in cells."""
    grey = reduced(full)
    height, width = grey.shape
    factor = max(1.0, width / LOOK)
    size = round(width / factor), max(1, round(height / factor))
    steps: Pixels = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, _SQUARE)  # type: ignore[assignment]
    flat = cv2.calcHist([grey], [0], cv2.bitwise_not(above(steps, 0)), [256], [0, 256])
    ground = flat.ravel() >= ground_share * grey.size
    off_ground = np.where(ground, 0, 255).astype(np.uint8)
    mean = by_cell(grey, size)
    off: Cells = np.minimum(by_cell(lookup(grey, off_ground), size), lookup(mean, off_ground))
    return Look(full, grey, steps, ground, size, by_cell(above(steps, STEP - 1), size), off, mean)


def reduced(grey: Pixels) -> Pixels:
    """A screen made smaller by a whole number, so that it is at most twice `REDUCE_FROM` wide."""
    by = grey.shape[1] // REDUCE_FROM
    if by < 2:
        return grey
    size = grey.shape[1] // by, grey.shape[0] // by
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def above(values: Pixels, level: int) -> Pixels:
    """255 where a value is above the level, else 0."""
    return cv2.threshold(values, level, 255, cv2.THRESH_BINARY)[1]  # type: ignore[return-value]


def lookup(values: Pixels, table: npt.NDArray[np.uint8]) -> Pixels:
    """What the table (256,) says of each value."""
    return cv2.LUT(values, table)  # type: ignore[return-value]


def by_cell(values: Pixels, size: tuple[int, int]) -> Cells:
    """The mean of the values in each cell; of 0 and 255, the share."""
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def extent(cells: Cells) -> tuple[int, int, int, int]:
    """The box x0, y0, x1, y1 round the cells that are set; its ends lie outside."""
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(cells))
    return x, y, x + width, y + height


def hull_of(cells: Cells) -> npt.NDArray[np.int32]:
    """The corners (N, 1, 2) of the convex hull of the cells that are set."""
    edge = cells - cv2.erode(np.ascontiguousarray(cells), _SQUARE, borderValue=0)
    return cv2.convexHull(cv2.findNonZero(edge))  # type: ignore[return-value]


def cell_px(look: Look, pixels: Pixels) -> tuple[float, float]:
    """How many of these pixels a cell is wide and high."""
    return pixels.shape[1] / look.size[0], pixels.shape[0] / look.size[1]
