"""Judge the nerve, once the network has found it: is it fit to grade? `edge.stages.quality` judges the picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from edge.findings import Nerve, Reason, Shortfall, View, above, below
from edge.frame import Pixels, Roi, Scan, Spacing
from edge.manifest import Thresholds
from edge.stages.measure import Components

SHADED = 0.5  # of the brightness beside it: a dark nerve in bright tissue has as little, but no such column below it
DARKER = 0.75  # share of the columns that may be darker than what counts as lit: a shadow may be wider than the nerve
FAINT = 12.0  # grey level: where the picture is as dark as that beside the nerve, no shadow can be told
SMOOTH = 8  # columns are smoothed over an eighth of the nerve's width, so that speckle casts no shadow


def judge_nerve(
    nerve: Nerve, components: Components, scan: Scan, view: View, thresholds: Thresholds
) -> Shortfall | None:
    """Why this is no nerve that can be graded, or None."""
    unfit = _FORM[view](nerve, components, thresholds)
    if unfit:
        return unfit
    box = _box(nerve, scan.pixels)
    return above(Reason.SHADOW, _shadow_share(scan.pixels, box), thresholds.max_shadow_share) or above(
        Reason.MARKED, _marked_share(scan, box), thresholds.max_marked_share
    )


def judge_spacing(spacing: Spacing, *, allow_unscaled: bool) -> Shortfall | None:
    """Why this scale cannot be graded at, or None."""
    return Shortfall(Reason.NO_SPACING) if spacing.mm_per_px is None and not allow_unscaled else None


def _transverse(nerve: Nerve, components: Components, thresholds: Thresholds) -> Shortfall | None:
    """A cut through a nerve is whole and nearly an ellipse; a band through the picture is the nerve's length."""
    return (
        above(Reason.WRONG_PLANE, components.span, thresholds.max_transverse_span)
        or below(Reason.NERVE_CUT_OFF, components.margin_px, thresholds.min_nerve_margin_px)
        or above(Reason.IMPLAUSIBLE_NERVE, nerve.flattening_ratio, thresholds.max_flattening_ratio)
        or below(Reason.IMPLAUSIBLE_NERVE, nerve.ellipse_fill, thresholds.min_ellipse_fill)
        or _transverse_size(nerve, thresholds)
    )


def _transverse_size(nerve: Nerve, thresholds: Thresholds) -> Shortfall | None:
    size, least, most = nerve.csa_mm2, thresholds.min_nerve_mm2, thresholds.max_nerve_mm2
    if size is None:
        size, least, most = nerve.area_share, thresholds.min_nerve_share, thresholds.max_nerve_share
    return below(Reason.IMPLAUSIBLE_NERVE, size, least) or above(Reason.IMPLAUSIBLE_NERVE, size, most)


def _longitudinal(nerve: Nerve, components: Components, thresholds: Thresholds) -> Shortfall | None:
    """A nerve along its length runs through the picture: never cut off, and its flatness says nothing."""
    return below(Reason.IMPLAUSIBLE_NERVE, nerve.area_share, thresholds.min_nerve_share) or below(
        Reason.WRONG_PLANE, components.span, thresholds.min_longitudinal_span
    )


_FORM = {"transverse": _transverse, "longitudinal": _longitudinal}


def _box(nerve: Nerve, pixels: Pixels) -> Roi:
    """The whole pixels of the scan (H, W) that hold the nerve."""
    xs, ys = zip(*(corner for outline in nerve.outlines for corner in outline), strict=True)
    height, width = pixels.shape
    left, top = min(max(0, math.floor(min(xs))), width - 1), min(max(0, math.floor(min(ys))), height - 1)
    return Roi(left, top, max(1, min(width, math.ceil(max(xs))) - left), max(1, min(height, math.ceil(max(ys))) - top))


def _shadow_share(pixels: Pixels, box: Roi) -> float:
    """Share of the nerve's columns that are dark in the nerve and on as far below it, against those at equal depth."""
    left, right = max(0, box.x - box.width), min(pixels.shape[1], box.x + 2 * box.width)
    nerve, middle = slice(box.x - left, box.x - left + box.width), box.y + box.height
    beside = pixels[:, left:right]
    shaded = _shaded(beside[middle : middle + box.height], nerve)
    if shaded.any():  # mostly there is none
        shaded &= _shaded(beside[box.y : middle], nerve)
    return np.count_nonzero(shaded) / box.width


def _shaded(band: Pixels, nerve: slice) -> npt.NDArray[np.bool_]:
    """Which of the nerve's columns are shaded in a band of one depth, (rows, columns); none where there is no band."""
    width = nerve.stop - nerve.start
    if not band.size:
        return np.zeros(width, np.bool_)
    columns = cv2.blur(cv2.reduce(band, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F), (max(1, width // SMOOTH), 1))[0]
    lit = float(np.sort(columns)[int(DARKER * len(columns))])
    shaded: npt.NDArray[np.bool_] = columns[nerve] < (SHADED * lit if lit > FAINT else 0.0)
    return shaded


def _marked_share(scan: Scan, box: Roi) -> float:
    return 0.0 if scan.marks is None else cv2.countNonZero(box.of(scan.marks)) / (box.width * box.height)
