"""Judge: is the picture fit to look at, and is the nerve fit to grade? Each answer is a `Reason` or nothing."""

from __future__ import annotations

import cv2
import numpy as np

from edge.findings import Nerve, Reason, View
from edge.frame import Pixels, Scan, Spacing
from edge.manifest import Thresholds

STRIDE = 4  # every fourth pixel each way is enough to judge contrast and saturation


def too_small(pixels: Pixels, thresholds: Thresholds) -> bool:
    """Whether a picture (H, W) or (H, W, 3) is too small to hold a nerve."""
    return bool(min(pixels.shape[:2]) < thresholds.min_picture_px)


def judge_picture(scan: Scan, thresholds: Thresholds) -> Reason | None:
    """Why this picture cannot be looked at, or None."""
    if too_small(scan.pixels, thresholds):
        return Reason.TOO_SMALL
    looked_at = np.ascontiguousarray(scan.pixels[::STRIDE, ::STRIDE])  # gathered once for two passes
    if float(cv2.meanStdDev(looked_at)[1].item()) < thresholds.min_contrast:
        return Reason.NO_CONTRAST
    if np.count_nonzero(looked_at == 255) > thresholds.max_saturated_share * looked_at.size:
        return Reason.SATURATED
    return None


def judge_nerve(nerve: Nerve, view: View, thresholds: Thresholds, *, cut_off: bool) -> Reason | None:
    """Why this is no nerve that can be graded, or None.

    A longitudinal nerve runs through the whole picture: it is never cut off, its flatness says nothing, and it is
    only ever too small.
    """
    if view == "longitudinal":
        return Reason.IMPLAUSIBLE_NERVE if nerve.area_share < thresholds.min_nerve_share else None
    if cut_off:
        return Reason.NERVE_CUT_OFF
    return None if _plausible(nerve, thresholds) else Reason.IMPLAUSIBLE_NERVE


def judge_spacing(spacing: Spacing, *, allow_unscaled: bool) -> Reason | None:
    """Why this scale cannot be graded at, or None."""
    return Reason.NO_SPACING if spacing.mm_per_px is None and not allow_unscaled else None


def _plausible(nerve: Nerve, thresholds: Thresholds) -> bool:
    if nerve.flattening_ratio > thresholds.max_flattening_ratio or nerve.ellipse_fill < thresholds.min_ellipse_fill:
        return False
    if nerve.csa_mm2 is not None:
        return thresholds.min_nerve_mm2 <= nerve.csa_mm2 <= thresholds.max_nerve_mm2
    return thresholds.min_nerve_share <= nerve.area_share <= thresholds.max_nerve_share
