"""Crop: the 15 x 15 mm about the nerve (P2), as the grader takes them."""

from __future__ import annotations

from edge.frame import Scan, Spacing
from edge.manifest import InputSpec
from edge.stages.placement import Placement, place_about


def crop_side_px(spec: InputSpec, spacing: Spacing, scan_width: int, unscaled_share: float) -> float:
    """Side of the crop in pixels of the scan; without a spacing, `unscaled_share` of the scan's width."""
    if spacing.mm_per_px is None:
        return unscaled_share * scan_width
    return spec.width * spec.pixel_mm / spacing.mm_per_px


def place_crop(scan: Scan, centre: tuple[float, float], spec: InputSpec, unscaled_share: float) -> Placement:
    """The crop about `centre` (x, y in pixels of the scan); black where it reaches past the picture."""
    height, width = scan.pixels.shape
    side = crop_side_px(spec, scan.spacing, width, unscaled_share)
    return place_about((height, width), (spec.height, spec.width), centre, side)
