"""The shape of a picture within its box: sector, trapezoid, parallelogram, or the whole box.

The line is the convex hull of the picture's content; the arc at a curved probe's face, which is hollow, is left to
the hull. A corner of the box is cut off only where content lies along the cut: a sector's side is full of tissue right
up to its edge, a corner that is merely dark is not, and stays.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.findings import Outline
from edge.frame import Mask
from edge.screen.cells import hull_of
from edge.screen.roi import Picture

MIN_CUT = 0.008  # of the box: rounding in cells takes smaller corners off a rectangle
ALONG = 2.0  # cells between the cut and the content: the raggedness of speckle
SUPPORTED = 0.75  # of the cut has content along it: 0.8-1 at real edges; a shadow touches its hull at a few points

_SQUARE = np.ones((3, 3), np.uint8)  # one cell more on each side: the outline is never drawn into tissue


def outline_of(picture: Picture) -> Outline | None:
    """The corners of the picture's shape in pixels of its box, or None where the whole box is the picture."""
    height, width = picture.content.shape
    hull = _filled_hull(picture.content)
    away: npt.NDArray[np.float32] = cv2.distanceTransform(1 - picture.content, cv2.DIST_L2, 3)  # type: ignore[assignment]
    edge: Mask = hull - cv2.erode(hull, _SQUARE, borderValue=0)  # type: ignore[assignment]
    for corner in (np.s_[:, :], np.s_[:, ::-1], np.s_[::-1], np.s_[::-1, ::-1]):
        if not _is_cut_off(hull[corner], edge[corner], away[corner]):
            hull[corner][0, 0] = 1
    hull = cv2.dilate(_filled_hull(hull), _SQUARE)  # type: ignore[assignment]
    if np.count_nonzero(hull) > (1 - MIN_CUT) * hull.size:
        return None
    # A cell is a square, not a point: the line goes round the squares' outer corners.
    cells = hull_of(hull).reshape(-1, 2)
    around = np.concatenate([cells + step for step in ((0, 0), (1, 0), (0, 1), (1, 1))])
    line = cv2.approxPolyDP(cv2.convexHull(around), 0.5, closed=True).reshape(-1, 2)
    scale = picture.roi.width / width, picture.roi.height / height
    return tuple((float(x * scale[0]), float(y * scale[1])) for x, y in line)


def inside(outline: Outline | None, shape: tuple[int, int]) -> Mask:
    """1 inside the outline and 0 outside, for a box of this height and width."""
    if outline is None:
        return np.ones(shape, np.uint8)
    corners = np.round(np.array(outline)).astype(np.int32)
    return cv2.fillPoly(np.zeros(shape, np.uint8), [corners], (1,))  # type: ignore[return-value]


def _filled_hull(cells: Mask) -> Mask:
    return cv2.fillConvexPoly(np.zeros(cells.shape, np.uint8), hull_of(cells), (1,))  # type: ignore[return-value]


def _is_cut_off(hull: Mask, edge: Mask, away: npt.NDArray[np.float32]) -> bool:
    """Whether the corner at 0, 0 lies outside the picture's shape."""
    across, down = int(hull[0].argmax()), int(hull[:, 0].argmax())
    cut = np.s_[:down, :across]
    if np.count_nonzero(hull[cut] == 0) < MIN_CUT * hull.size:
        return False
    along = away[cut][edge[cut] > 0]
    return bool(along.size and np.mean(along <= ALONG) >= SUPPORTED)
