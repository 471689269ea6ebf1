"""Samples as the networks see them: the device's own screen reading and placement, applied to a data folder."""

from __future__ import annotations

import cv2
import numpy as np

from convert.data.dataset import Sample
from convert.errors import DataError
from convert.models import Architecture
from edge.frame import Mask, Pixels, Roi
from edge.manifest import InputSpec
from edge.screen.roi import find_roi
from edge.stages.crop import crop_side_px
from edge.stages.placement import Placement, place_about
from edge.stages.segment import place_scan

UNSCALED_CROP_SHARE = 0.4
"""Side of the grader's crop as a share of the picture's width where no spacing is known: 15 mm of a 38 mm probe."""


def input_spec(arch: Architecture) -> InputSpec:
    """The input of a network, as its bundle will state it."""
    return InputSpec(height=arch.size_px, width=arch.size_px, mm_per_px=arch.mm_per_px)


Pair = tuple[Pixels, Mask]  # of one size


def segment_input(sample: Sample, spec: InputSpec, pair: Pair | None = None) -> Pair:
    """The picture and its mask on the segmenter's canvas, (height, width) each; `pair` where they are read already."""
    picture, mask = pair or read_pair(sample)
    roi, placement = _placed(picture, sample, spec)
    canvas, truth = np.zeros((2, spec.height, spec.width), np.uint8)
    placement.paint(roi.of(picture), canvas)
    placement.paint(roi.of(mask) * np.uint8(255), truth)
    return canvas, (truth > 127).astype(np.uint8)


def segment_picture(sample: Sample, spec: InputSpec) -> Pixels:
    """The picture alone on the segmenter's canvas, (height, width): to calibrate, no mask is needed."""
    picture = sample.image()
    roi, placement = _placed(picture, sample, spec)
    canvas = np.zeros((spec.height, spec.width), np.uint8)
    placement.paint(roi.of(picture), canvas)
    return canvas


def _placed(picture: Pixels, sample: Sample, spec: InputSpec) -> tuple[Roi, Placement]:
    roi = find_roi(picture) or Roi(0, 0, picture.shape[1], picture.shape[0])
    return roi, place_scan((roi.height, roi.width), sample.spacing, spec)


def grade_input(sample: Sample, spec: InputSpec, margin: float = 1.0, pair: Pair | None = None) -> Pixels:
    """The nerve-centred crop, (height, width) times `margin`, about the nerve of the sample's own mask."""
    picture, mask = pair or read_pair(sample)
    if not mask.any():
        raise DataError(f"{sample.mask_path}: the mask is empty: no nerve to crop about")
    moments = cv2.moments(mask, binaryImage=True)
    centre = (moments["m10"] / moments["m00"], moments["m01"] / moments["m00"])
    side = margin * crop_side_px(spec, sample.spacing, picture.shape[1], UNSCALED_CROP_SHARE)
    shape = (round(spec.height * margin), round(spec.width * margin))
    canvas = np.zeros(shape, np.uint8)
    place_about((picture.shape[0], picture.shape[1]), shape, centre, side).paint(picture, canvas)
    return canvas


def classify_input(sample: Sample, spec: InputSpec) -> Pixels:
    """The middle of the picture, as large as the model's shape allows: (height, width), or (height, width, 3) RGB."""
    picture = sample.image() if spec.channels == 1 else sample.colours()
    rows, columns = picture.shape[:2]
    share = min(rows / spec.height, columns / spec.width)
    height, width = round(share * spec.height), round(share * spec.width)
    top, left = (rows - height) // 2, (columns - width) // 2
    how = cv2.INTER_AREA if share > 1 else cv2.INTER_LINEAR
    middle = picture[top : top + height, left : left + width]
    return cv2.resize(middle, (spec.width, spec.height), interpolation=how)


def read_pair(sample: Sample) -> Pair:
    """The picture and its mask, (H, W) each.

    Raises:
        DataError: one of them is missing or no picture, or their sizes differ.
    """
    picture, mask = sample.image(), sample.mask()
    if picture.shape != mask.shape:
        sizes = f"{mask.shape[1]} x {mask.shape[0]}, its image {picture.shape[1]} x {picture.shape[0]}"
        raise DataError(f"{sample.mask_path}: {sizes}: export the mask at the image's size")
    return picture, mask
