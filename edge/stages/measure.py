"""Measure: the nerve's area, shape and place from its mask.

Done on the model's canvas, whose pixels have one size; places and lengths in pixels are given for the scan.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.findings import Ellipse, Nerve, Outline, View
from edge.frame import Mask, Spacing
from edge.stages.placement import Box, Placement

STRAND_SHARE = 0.25  # another component this large beside the first is the other strand of a bifid nerve (P1)
STRAND_GAP = 1.5  # ... if it lies within so many short sides of the first; anything else is a small vessel (P1)
SMOOTHING_PASSES = 3  # of the outline before its length is taken: fewer leave stairs, more round a small nerve off


@dataclass(frozen=True)
class Components:
    """The parts of a mask that are the nerve."""

    mask: Mask  # (H, W), 1 = nerve, the rest of the network's answer removed
    count: int
    margin_px: int  # pixels of the mask between the nerve and the nearest side or the floor of the visible picture
    span: float  # share of the visible picture's width that the parts take together, 0..1; beside each other or not
    ellipse_fill: float  # of the least elliptical part: 1 = an ellipse, less = ragged, branched or bent


def nerve_components(mask: Mask, visible: Box) -> Components | None:
    """The largest component, and a second strand if one looks like it; None when there is no nerve in the picture.

    What the network answers outside `visible`, where its input is black, is not the picture's and is left out.
    """
    seen = visible.of(mask)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(seen, connectivity=8)
    if count < 2:
        return None
    boxes = stats.tolist()
    largest, *others = sorted(range(1, count), key=lambda label: boxes[label][cv2.CC_STAT_AREA], reverse=True)
    strand = next((label for label in others if _is_strand(boxes[largest], boxes[label])), None)
    chosen = [largest] if strand is None else [largest, strand]
    is_nerve = np.zeros(count, np.uint8)
    is_nerve[chosen] = 1
    kept = np.zeros_like(mask)
    visible.of(kept)[:] = is_nerve[labels]
    return Components(
        mask=kept,
        count=len(chosen),
        margin_px=min(_margin(boxes[label], visible) for label in chosen),
        span=min(1.0, sum(boxes[label][cv2.CC_STAT_WIDTH] for label in chosen) / visible.width),
        ellipse_fill=min(_ellipse_fill((labels == label).astype(np.uint8)) for label in chosen),
    )


def measure(components: Components, placement: Placement, spacing: Spacing, view: View) -> Nerve:
    """The nerve's measures; millimetres are None without a spacing."""
    mask = components.mask
    area_px = float(np.count_nonzero(mask))
    x, y, major, minor, angle = _ellipse(mask)
    at_x, at_y = placement.to_picture(x, y)
    csa_mm2 = perimeter_mm = ap_diameter_mm = None
    if spacing.mm_per_px is not None:
        mm_x, mm_y = spacing.mm_per_px / placement.scale_x, spacing.mm_per_px / placement.scale_y
        if view == "transverse":
            csa_mm2 = area_px * mm_x * mm_y
            perimeter_mm = _perimeter(mask) * math.sqrt(mm_x * mm_y)
        else:
            ap_diameter_mm = _thickness(mask, angle) * mm_y
    return Nerve(
        ellipse=Ellipse(at_x, at_y, major / placement.scale_x, minor / placement.scale_y, angle),
        area_share=area_px / (placement.target.width * placement.target.height),
        flattening_ratio=major / minor,
        components=components.count,
        ellipse_fill=components.ellipse_fill,
        csa_mm2=csa_mm2,
        perimeter_mm=perimeter_mm,
        ap_diameter_mm=ap_diameter_mm,
        outlines=_outlines(mask, placement),
        csa_uncertainty_mm2=_share_of(csa_mm2, 2 * spacing.uncertainty),
        perimeter_uncertainty_mm=_share_of(perimeter_mm, spacing.uncertainty),
        ap_diameter_uncertainty_mm=_share_of(ap_diameter_mm, spacing.uncertainty),
    )


def _share_of(size: float | None, share: float) -> float | None:
    return None if size is None or share == 0.0 else size * share


def _outlines(mask: Mask, placement: Placement) -> tuple[Outline, ...]:
    """Corners of each component in pixels of the scan, to a tenth."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    corners = ([placement.to_picture(x, y) for x, y in contour[:, 0].tolist()] for contour in contours)
    return tuple(tuple((round(x, 1), round(y, 1)) for x, y in outline) for outline in corners)


def _is_strand(first: Sequence[int], second: Sequence[int]) -> bool:
    left, top, width, height, area = first
    other_left, other_top, other_width, other_height, other_area = second
    gap_x = max(left, other_left) - min(left + width, other_left + other_width)
    gap_y = max(top, other_top) - min(top + height, other_top + other_height)
    return other_area >= STRAND_SHARE * area and max(gap_x, gap_y) <= STRAND_GAP * min(width, height)


def _margin(box: Sequence[int], visible: Box) -> int:
    left, top, width, height, _ = box
    return min(left, visible.width - left - width, visible.height - top - height)


def _ellipse_fill(part: Mask) -> float:
    _, _, major, minor, _ = _ellipse(part)
    return min(1.0, float(np.count_nonzero(part)) / (math.pi / 4 * major * minor))


def _ellipse(mask: Mask) -> tuple[float, float, float, float, float]:
    """Centre x, y, full axes and angle (degrees, positive = right end lower) of the ellipse with the mask's moments."""
    m = cv2.moments(mask, binaryImage=True)
    area = m["m00"]
    # A pixel is a square, not a point: it adds 1/12 to each variance.
    xx, yy, xy = m["mu20"] / area + 1 / 12, m["mu02"] / area + 1 / 12, m["mu11"] / area
    middle, spread = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    angle = math.degrees(0.5 * math.atan2(2 * xy, xx - yy))
    minor = 4 * math.sqrt(max(middle - spread, 1 / 12))
    return m["m10"] / area, m["m01"] / area, 4 * math.sqrt(middle + spread), minor, angle


def _perimeter(mask: Mask) -> float:
    """Length of the outline in pixels of the mask, holes not counted; right to 3 % from 16 px across, 5 % from 10."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    # OpenCV's contour runs through the centres of the border pixels, half a pixel inside the outline: pi is missing.
    return math.fsum(_smooth_length(contour[:, 0]) + math.pi for contour in contours)


def _smooth_length(points: npt.NDArray[Any]) -> float:
    """Length of a closed chain of neighbouring pixels, its stairs smoothed away.

    Each pass is the kernel 1 2 1; what it takes from an ellipse's size, the chain's lowest frequency, is given back.
    """
    count = len(points)
    passes = SMOOTHING_PASSES if count > 2 else 0
    chain = points.astype(np.float64)
    for _ in range(passes):
        chain = (np.roll(chain, 1, axis=0) + 2 * chain + np.roll(chain, -1, axis=0)) / 4
    steps = np.roll(chain, -1, axis=0) - chain
    kept = ((1 + math.cos(2 * math.pi / count)) / 2) ** passes
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum()) / kept


def _thickness(mask: Mask, angle_deg: float) -> float:
    """Thickness of a band across its course, in pixels of the mask: the mean of the middle half of all cuts.

    As steady as the median, which would step by whole pixels.
    """
    along_rows = abs(angle_deg) <= 45
    cuts = mask.sum(axis=0 if along_rows else 1, dtype=np.int64)
    slope = math.radians(angle_deg)
    across: float = abs(math.cos(slope) if along_rows else math.sin(slope))
    cuts = np.sort(cuts[cuts > 0])
    quarter = len(cuts) // 4
    return float(cuts[quarter : len(cuts) - quarter].mean()) * across
