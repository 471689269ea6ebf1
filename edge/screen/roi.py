"""Where the ultrasound picture lies on a screen: the largest area in which hardly a pixel equals its neighbour.

Speckle is everywhere in an ultrasound picture and nowhere else: backgrounds, bars and buttons are flat. Two other
things change from pixel to pixel, text and gradients, and in both one step is like the next: full ink on full paper,
or one grey level. Speckle steps by every amount. This is a simple reading of one picture. Its bound: a page of text
that JPEG has compressed hard steps by every amount too.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from edge.frame import Pixels, Roi

LOOK_WIDTH = 320  # px: the width at which areas are outlined
STEP = 2  # grey levels within 3 x 3 pixels that count as a change; a flat area that was compressed has steps of 1
THINNEST = 9  # px at LOOK_WIDTH: lines of text, rulers and grey bars are thinner than this
MIN_SHARE = 0.1  # of the screen; on a real screen with a nearly black picture, the menu of settings had 0.07
ALIKE = 0.55  # of the changes are above half of the largest: 0.05-0.45 in ultrasound, 0.6-1 in sharp text and gradients


def find_roi(grey: Pixels) -> Roi | None:
    """The box of the ultrasound picture in a grey screen (H, W), or None when nothing on it looks like one."""
    if min(grey.shape) < 32:
        return None
    steps: Pixels = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))  # type: ignore[assignment]
    return next((box for box in _changing_areas(steps) if not _alike(box.of(steps))), None)


def _changing_areas(steps: Pixels) -> Iterator[Roi]:
    """The boxes of areas where most pixels differ from their neighbours, the largest first."""
    height, width = steps.shape
    factor = max(1.0, width / LOOK_WIDTH)
    changing = cv2.threshold(steps, STEP - 1, 255, cv2.THRESH_BINARY)[1]
    density = cv2.resize(changing, (round(width / factor), round(height / factor)), interpolation=cv2.INTER_AREA)
    dense = (density > 127).astype(np.uint8)
    whole = cv2.morphologyEx(dense, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    thick = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((THINNEST, THINNEST), np.uint8))
    stats = cv2.connectedComponentsWithStats(thick, connectivity=4)[2][1:]
    for x, y, wide, high, _ in sorted(stats.tolist(), key=lambda row: -row[cv2.CC_STAT_AREA]):
        if wide * high < MIN_SHARE * thick.size:
            continue
        left, top = round(x * factor), round(y * factor)
        right, bottom = min(width, round((x + wide) * factor)), min(height, round((y + high) * factor))
        yield Roi(left, top, right - left, bottom - top)


def _alike(steps: Pixels) -> bool:
    """Whether the changes are of one size, as in text and gradients."""
    counts = np.bincount(steps.ravel(), minlength=256)
    counts[:STEP] = 0
    at_most = np.cumsum(counts)
    largest = int(np.searchsorted(at_most, 0.98 * at_most[-1]))
    return bool(counts[(largest + 1) // 2 :].sum() > ALIKE * at_most[-1])
