"""The shape of a picture within its box: it never cuts into tissue, and leaves out what a sector leaves free."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from convert.phantom.acquisition import draw_settings
from convert.phantom.frames import render
from convert.phantom.subject import draw_subject
from edge.frame import Roi
from edge.screen.outline import inside, outline_of
from edge.screen.roi import Picture, find_pictures

HEIGHT, WIDTH = 720, 1280


def tissue(index: int = 2) -> np.ndarray:
    """A screen full of simulated tissue (720, 1280), none of it black."""
    picture = render(draw_subject(index, 9), draw_settings(index, 9, px_across=320)).pixels
    large = cv2.resize(picture, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC)
    return np.maximum(np.pad(large, ((0, HEIGHT), (0, WIDTH)), mode="symmetric")[:HEIGHT, :WIDTH], 3)


def sector(top: int, apex: tuple[int, int], near: int, far: int, half_angle: float) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    radius, angle = np.hypot(y - apex[1], x - apex[0]), np.degrees(np.arctan2(x - apex[0], y - apex[1]))
    return (radius > near) & (radius < far) & (np.abs(angle) < half_angle) & (y >= top)


def polygon(*corners: tuple[int, int]) -> np.ndarray:
    return cv2.fillPoly(np.zeros((HEIGHT, WIDTH), np.uint8), [np.array(corners, np.int32)], 1) > 0


SHAPES = {
    "convex": sector(0, (640, -60), 160, 700, 34),
    "phased array": sector(0, (640, 40), 8, 640, 44),
    "virtual convex": polygon((440, 60), (840, 60), (980, 640), (300, 640)),
    "steered to the left": polygon((500, 60), (1000, 60), (840, 640), (340, 640)),
    "steered to the right": polygon((300, 60), (800, 60), (960, 640), (460, 640)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_outline_has_all_tissue_and_little_else(name: str):
    shape = SHAPES[name]
    grey = np.where(shape, tissue(), 0).astype(np.uint8)
    grey[40:60, 40:200:12] = 220  # a label outside
    (picture,) = find_pictures((grey,))
    outline = outline_of(picture)
    assert outline is not None
    kept = np.zeros(shape.shape, bool)
    picture.roi.of(kept)[:] = inside(outline, (picture.roi.height, picture.roi.width)) > 0
    assert np.count_nonzero(kept & shape) >= 0.99 * np.count_nonzero(shape)
    hull = cv2.convexHull(cv2.findNonZero(shape.astype(np.uint8)))
    assert np.count_nonzero(kept) <= 1.08 * cv2.contourArea(hull)


@pytest.mark.parametrize("shadow", ["none", "deep corner", "under a bone"])
def test_rectangle_stays_whole(shadow: str):
    grey = np.zeros((HEIGHT, WIDTH), np.uint8)
    roi = Roi(300, 60, 640, 560)
    picture = tissue()[: roi.height, : roi.width].astype(float)
    y, x = np.mgrid[: roi.height, : roi.width] / 100
    bumps = 0.5 * np.sin(7 * x) + 0.4 * np.sin(11 * y)
    if shadow == "deep corner":
        picture *= np.clip(1.4 - (np.maximum(0, x + y - 8.5 + bumps)), 0, 1)
    elif shadow == "under a bone":
        picture[200:, 80:300] = 0
    roi.of(grey)[:] = picture.astype(np.uint8)
    (found,) = find_pictures((grey,))
    assert outline_of(found) is None


def test_no_outline_keeps_the_whole_box():
    assert inside(None, (3, 4)).tolist() == [[1] * 4] * 3


def test_outline_is_in_pixels_of_the_box():
    cells = np.zeros((100, 200), np.uint8)
    cv2.fillConvexPoly(cells, np.array([[60, 0], [140, 0], [199, 99], [0, 99]]), 1)
    outline = outline_of(Picture(Roi(700, 50, 800, 400), cells, 0.0))
    assert outline is not None
    assert min(x for x, _ in outline) == 0.0
    assert max(x for x, _ in outline) == 800.0
    mask = inside(outline, (400, 800))
    assert mask[0, 0] == 0
    assert mask[0, 799] == 0
    assert mask[399, 0] == mask[399, 799] == mask[0, 400] == 1
