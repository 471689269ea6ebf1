"""Measure: the nerve's area, shape and place from its mask.

Done on the model's canvas, whose pixels have one size; places and lengths in pixels are given for the scan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from edge.findings import Ellipse, Nerve, Outline, View
from edge.frame import Mask, Spacing
from edge.stages.placement import Box, Placement

STRAND_SHARE = 0.25  # another component this large beside the first is the other strand of a bifid nerve (P1)
STRAND_GAP = 1.5  # ... if it lies within so many short sides of the first; anything else is a small vessel (P1)
SMOOTH_STEP = np.convolve((1, 6, 15, 20, 15, 6, 1), (1, -1)) / 64
"""From one point of an outline to the next once it was smoothed by 1 2 1 three times, so that its length can be taken.

Less leaves stairs, more rounds a small nerve off.
"""


class Form(NamedTuple):
    """An area, and the ellipse with its moments, in pixels of a mask."""

    area: float
    x: float
    y: float
    major: float  # full axes
    minor: float
    angle: float  # degrees, positive = right end lower

    @property
    def ellipse_fill(self) -> float:
        """1 = an ellipse, less = ragged, branched or bent."""
        return min(1.0, self.area / (math.pi / 4 * self.major * self.minor))


@dataclass(frozen=True)
class Components:
    """The parts of a mask that are the nerve."""

    mask: Mask  # (H, W), 1 = nerve, the rest of the network's answer removed
    box: Box  # of the mask, and nothing of the nerve outside: a fiftieth of the canvas is all that need be looked at
    form: Form  # of the parts together, in pixels of the box
    count: int
    margin_px: int  # pixels of the mask between the nerve and the nearest side or the floor of the visible picture
    span: float  # share of the visible picture's width that the parts take together, 0..1; beside each other or not
    ellipse_fill: float  # of the least elliptical part


def nerve_components(mask: Mask, visible: Box) -> Components | None:
    """The largest component, and a second strand if one looks like it; None when there is no nerve in the picture.

    What the network answers outside `visible`, where its input is black, is not the picture's and is left out.
    """
    left, top, width, height = cv2.boundingRect(visible.of(mask))
    if not width:
        return None
    box = Box(visible.left + left, visible.top + top, visible.left + left + width, visible.top + top + height)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(box.of(mask), connectivity=8)
    boxes = stats.tolist()
    largest, *others = sorted(range(1, count), key=lambda label: boxes[label][cv2.CC_STAT_AREA], reverse=True)
    strand = next((label for label in others if _is_strand(boxes[largest], boxes[label])), None)
    chosen = [largest] if strand is None else [largest, strand]
    parts = [(labels == label).view(np.uint8) for label in chosen]
    moments = [cv2.moments(part, binaryImage=True) for part in parts]
    forms = [_form([part]) for part in moments]
    kept = np.zeros_like(mask)
    box.of(kept)[:] = sum(parts)
    around = Box(-left, -top, visible.width - left, visible.height - top)  # what is visible, as seen from the box
    return Components(
        mask=kept,
        box=box,
        form=forms[0] if len(forms) == 1 else _form(moments),
        count=len(chosen),
        margin_px=min(_margin(boxes[label], around) for label in chosen),
        span=min(1.0, sum(boxes[label][cv2.CC_STAT_WIDTH] for label in chosen) / visible.width),
        ellipse_fill=min(form.ellipse_fill for form in forms),
    )


def measure(components: Components, placement: Placement, spacing: Spacing, view: View) -> Nerve:
    """The nerve's measures; millimetres are None without a spacing."""
    box, form = components.box, components.form
    mask = box.of(components.mask)
    at_x, at_y = placement.to_picture(box.left + form.x, box.top + form.y)
    csa_mm2 = perimeter_mm = ap_diameter_mm = None
    if spacing.mm_per_px is not None:
        mm_x, mm_y = spacing.mm_per_px / placement.scale_x, spacing.mm_per_px / placement.scale_y
        if view == "transverse":
            csa_mm2 = form.area * mm_x * mm_y
            perimeter_mm = _perimeter(mask) * math.sqrt(mm_x * mm_y)
        else:
            ap_diameter_mm = _thickness(mask, form.angle) * mm_y
    return Nerve(
        ellipse=Ellipse(at_x, at_y, form.major / placement.scale_x, form.minor / placement.scale_y, form.angle),
        area_share=form.area / (placement.target.width * placement.target.height),
        flattening_ratio=form.major / form.minor,
        components=components.count,
        ellipse_fill=components.ellipse_fill,
        csa_mm2=csa_mm2,
        perimeter_mm=perimeter_mm,
        ap_diameter_mm=ap_diameter_mm,
        outlines=_outlines(components, placement),
        csa_uncertainty_mm2=_share_of(csa_mm2, 2 * spacing.uncertainty),
        perimeter_uncertainty_mm=_share_of(perimeter_mm, spacing.uncertainty),
        ap_diameter_uncertainty_mm=_share_of(ap_diameter_mm, spacing.uncertainty),
    )


def _share_of(size: float | None, share: float) -> float | None:
    return None if size is None or share == 0.0 else size * share


def _outlines(components: Components, placement: Placement) -> tuple[Outline, ...]:
    """Corners of each component in pixels of the scan, to a tenth."""
    box, (xs, ys) = components.box, placement.corners
    part, offset = box.of(components.mask), (box.left, box.top)
    contours, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=offset)
    return tuple(tuple((xs[x], ys[y]) for x, y in contour[:, 0].tolist()) for contour in contours)


def _is_strand(first: Sequence[int], second: Sequence[int]) -> bool:
    left, top, width, height, area = first
    other_left, other_top, other_width, other_height, other_area = second
    gap_x = max(left, other_left) - min(left + width, other_left + other_width)
    gap_y = max(top, other_top) - min(top + height, other_top + other_height)
    return other_area >= STRAND_SHARE * area and max(gap_x, gap_y) <= STRAND_GAP * min(width, height)


def _margin(box: Sequence[int], visible: Box) -> int:
    left, top, width, height, _ = box
    return min(left - visible.left, visible.right - left - width, visible.bottom - top - height)


def _form(moments: Sequence[Mapping[str, float]]) -> Form:
    """The form of all parts whose moments these are, as `cv2.moments` gives them: those of several are their sums."""
    area, x, y, xx, yy, xy = (sum(part[key] for part in moments) for key in ("m00", "m10", "m01", "m20", "m02", "m11"))
    x, y = x / area, y / area
    # A pixel is a square, not a point: it adds 1/12 to each variance.
    xx, yy, xy = xx / area - x * x + 1 / 12, yy / area - y * y + 1 / 12, xy / area - x * y
    middle, spread = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    angle = math.degrees(0.5 * math.atan2(2 * xy, xx - yy))
    return Form(area, x, y, 4 * math.sqrt(middle + spread), 4 * math.sqrt(max(middle - spread, 1 / 12)), angle)


def _perimeter(mask: Mask) -> float:
    """Length of the outline in pixels of the mask, holes not counted; right to 3 % from 16 px across, 5 % from 10."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    # OpenCV's contour runs through the centres of the border pixels, half a pixel inside the outline: pi is missing.
    return math.fsum(_smooth_length(contour[:, 0]) + math.pi for contour in contours)


def _smooth_length(points: npt.NDArray[Any]) -> float:
    """Length of a closed chain of neighbouring pixels, its stairs smoothed away.

    What the smoothing takes from an ellipse's size, the chain's lowest frequency, is given back.
    """
    count = len(points)
    if count <= 2:
        return 2 * math.dist(points[0], points[-1])
    closed = points.take(np.arange(-3, count + 4), axis=0, mode="wrap").astype(np.float64)
    steps = np.convolve(closed.view(np.complex128)[:, 0], SMOOTH_STEP, "valid")  # x + iy
    kept = ((1 + math.cos(2 * math.pi / count)) / 2) ** 3
    return math.fsum(map(abs, steps.tolist())) / kept


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
