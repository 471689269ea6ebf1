"""Sharp steps in a picture's brightness: hardly a pixel in a hundred has one, so they are listed, not drawn.

What is drawn of them is drawn in bands of rows: most of a picture of tissue has no two edges that belong together.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Mask, Pixels
from edge.screen.parts import Places

COMMON_SHARE = 0.95  # of the pixels step by less than the common step
FAINT = 2.5, 16  # times the common step, and grey levels at the least: ink may step so little; so do a few echoes
CRISP_REACH = 3
APART = 5  # empty rows between two marks that are told one by one: no gap of fewer is closed, no line is thicker
DOWN, ACROSS = 0, 1  # axes


@dataclass(frozen=True)
class Edges:
    """Where a picture is brighter by a sharp step than its neighbour along one axis: few of its pixels, in order."""

    width: int  # of the picture
    places: Places  # (N,), flat indices
    rise: npt.NDArray[np.bool_]  # (N,), brighter than the pixel before
    fall: npt.NDArray[np.bool_]  # (N,), brighter than the pixel after
    step: Pixels  # (N,), the larger of the two steps, in grey levels
    sharp: float  # grey levels: the steps above it are sharp

    @property
    def rows(self) -> Places:
        """(N,), the row of each."""
        return self.places // self.width

    def within(self, band: slice) -> Edges:
        """Those of some rows, their places told from the first of these."""
        first, last = np.searchsorted(self.places, (band.start * self.width, band.stop * self.width))
        of = slice(first, last)
        places = self.places[of] - band.start * self.width
        return Edges(self.width, places, self.rise[of], self.fall[of], self.step[of], self.sharp)


def steps_along(grey: Pixels, axis: int) -> Pixels:
    """By how much each pixel is brighter than the darker of its two neighbours along an axis."""
    return cv2.subtract(grey, cv2.erode(grey, bar_of(3, axis)))  # type: ignore[return-value]


def sharp_edges(grey: Pixels, steps: Pixels, axis: int, crisp: float, times: float = 1.0) -> Edges:
    """The steps along an axis that are crisp, and larger than `times` a faint one."""
    sample = steps[::4] if axis == ACROSS else steps[:, ::4]
    counts = np.cumsum(cv2.calcHist([sample], [0], None, [256], [0, 256]), dtype=np.float64)
    common = int(np.searchsorted(counts, COMMON_SHARE * counts[-1]))
    sharp = times * max(FAINT[0] * common, FAINT[1])
    places = np.flatnonzero(steps > int(sharp))
    along, stride = (places % grey.shape[1], 1) if axis == ACROSS else (places // grey.shape[1], grey.shape[1])
    reach = range(-CRISP_REACH, CRISP_REACH + 1)
    near = [np.clip(along + far, 0, grey.shape[axis] - 1) - along for far in reach]
    levels = np.stack([grey.ravel()[places + each * stride] for each in near])
    before, here, after = levels[CRISP_REACH - 1 : CRISP_REACH + 2]
    enough = np.maximum(np.rint(np.float32(crisp) * np.ptp(levels, axis=0)), int(sharp))
    rise, fall = (here.astype(np.int16) - other > enough for other in (before, after))
    kept = rise | fall
    return Edges(grey.shape[1], places[kept], rise[kept], fall[kept], steps.ravel()[places[kept]], sharp)


def paired(edges: Edges, reach: int) -> Places:
    """The rows, in order, that have a rise and a fall so close that what lies between has both within reach."""
    first, next_one = slice(None, -1), slice(1, None)
    near = (np.diff(edges.places) < 2 * reach) & (np.diff(edges.rows) == 0)
    opposite = (edges.rise[first] & edges.fall[next_one]) | (edges.fall[first] & edges.rise[next_one])
    return edges.rows[np.append(near & opposite, False) | (edges.rise & edges.fall)]


def crowded(edges: Edges, height: int, reach: int, least: int) -> Places:
    """The rows that have at least so many edges within reach above and below."""
    window = np.ones(2 * reach - 1, np.intp)
    return np.flatnonzero(np.convolve(np.bincount(edges.rows, minlength=height), window, "same") >= least)


def bands(rows: Places, height: int) -> list[slice]:
    """The runs that rows, in order, make, with `APART` empty ones on either side: no mark goes from one to another."""
    if not rows.size:
        return []
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 2 * APART) + 1)
    return [slice(max(0, int(run[0]) - APART), min(height, int(run[-1]) + 1 + APART)) for run in runs]


def bar_of(length: int, axis: int) -> Mask:
    """All ones, 1 px thick: what OpenCV is to look through along an axis."""
    return np.ones((1, length) if axis == ACROSS else (length, 1), np.uint8)
