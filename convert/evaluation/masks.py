"""A segmenter against the true masks: one row an image, on the segmenter's own canvas."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from convert.data.dataset import Sample
from convert.data.samples import segment_input
from convert.quantizing.parity import Logits, Predict
from edge.findings import View
from edge.frame import Mask, Pixels, Spacing
from edge.manifest import InputSpec
from edge.metrics import auc, dice, hausdorff, hd95, precision_recall
from edge.progress import tracked
from edge.stages.measure import measure, nerve_components
from edge.stages.placement import Box, Placement

Floats = npt.NDArray[np.float64]

MEASURES = ("dsc", "precision", "recall", "auc", "zero_overlap", "no_nerve", "hd_px", "hd95_px", "hd95_mm")
"""What `MaskRows.measures` holds of each image."""

POWER: dict[View, int] = {"transverse": 2, "longitudinal": 1}
"""Of the millimetre, in the unit of a nerve's size: an area, or a thickness."""


@dataclass(frozen=True)
class MaskRows:
    """One row an image.

    DSC, precision, recall, HD and the per-pixel AUC are of the network's whole answer (P1); HD95 and the size are of
    the nerve that the device keeps of it. Distances are in pixels of the canvas; in mm only where a spacing is known.

    An answer without a nerve, where there is one, or with one, where there is none, has DSC, precision and recall of 0
    and lies as far off as the canvas is long (its diagonal is the HD and the HD95); its size counts as 0, and it is
    left out of Bland-Altman, which needs two measurements. Where the truth is empty too, all agree. The AUC is nan
    where the truth is empty.
    """

    view: View
    subjects: tuple[str, ...]  # (N,)
    files: tuple[str, ...]  # (N,)
    measures: Floats  # (N, len(MEASURES)), nan = not known
    sizes: Floats  # (N, 2) measured and true: CSA, mm², or longitudinal the AP diameter, mm; nan without a spacing


class Seen(NamedTuple):
    """A mask on the segmenter's canvas, and the nerve in it as the device keeps and measures it."""

    mask: Mask  # (H, W)
    nerve: Mask  # without what the device takes for no nerve
    size: float  # px² transverse, px across a longitudinal nerve; 0 without one


def mask_rows(predict: Predict, samples: Sequence[Sample], spec: InputSpec, view: View) -> MaskRows:
    """Run a segmenter on the samples, each of which has a mask.

    Raises:
        DataError: a picture or a mask cannot be read, or their sizes differ.
    """
    measures, sizes = np.empty((len(samples), len(MEASURES))), np.empty((len(samples), 2))
    for number, sample in enumerate(tracked(samples, "segment", unit="frame")):
        picture, truth = segment_input(sample, spec)
        pixel_mm = math.nan if sample.spacing.mm_per_px is None else spec.pixel_mm
        logits = predict(picture)
        seen, wanted = look(nerve_mask(logits), view), look(truth, view)
        measures[number] = _measures(logits, seen, wanted, pixel_mm)
        sizes[number] = seen.size * pixel_mm ** POWER[view], true_size(sample, view)
    whose = tuple(sample.subject for sample in samples)
    return MaskRows(view, whose, tuple(sample.file for sample in samples), measures, sizes)


def answers(predict: Predict, pictures: Sequence[Pixels], what: str) -> Iterator[Logits]:
    """The model's answer to each picture, with a progress bar called `what`."""
    for picture in tracked(pictures, what, unit="frame"):
        yield predict(picture)


def nerve_mask(logits: Logits) -> Mask:
    """(1, H, W, 1) logits -> (H, W), 1 = nerve: P > 0.5, the device's default."""
    return (logits[0, :, :, 0] > 0).astype(np.uint8)


def look(mask: Mask, view: View) -> Seen:
    """The device's own measuring, with the canvas for the picture and its pixel for the millimetre."""
    height, width = mask.shape
    canvas = Box(0, 0, width, height)
    components = nerve_components(mask, canvas)
    if components is None:
        return Seen(mask, mask, 0.0)
    nerve = measure(components, Placement(canvas, canvas, (height, width)), Spacing(1.0, "manual"), view)
    return Seen(mask, components.mask, nerve.csa_mm2 or nerve.ap_diameter_mm or 0.0)


def true_size(sample: Sample, view: View) -> float:
    """The size of the nerve that the sample's mask shows, in the mask's own pixels: mm², or mm; nan without a spacing.

    Raises:
        DataError: the mask cannot be read.
    """
    if sample.spacing.mm_per_px is None:
        return math.nan
    return look(sample.mask(), view).size * sample.spacing.mm_per_px ** POWER[view]


def _measures(logits: Logits, seen: Seen, wanted: Seen, pixel_mm: float) -> tuple[float, ...]:
    """A row, in the order of `MEASURES`."""
    farthest = math.hypot(*wanted.mask.shape)
    overlap = dice(seen.mask, wanted.mask)
    distance = min(hd95(seen.nerve, wanted.nerve), farthest)
    return (
        overlap,
        *precision_recall(seen.mask, wanted.mask),
        auc(wanted.mask, logits[0, :, :, 0]),
        float(overlap == 0),
        float(not seen.mask.any()),
        min(hausdorff(seen.mask, wanted.mask), farthest),
        distance,
        distance * pixel_mm,
    )
