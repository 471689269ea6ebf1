"""Typical: is a frame like those that the bundle was tried on? A grader may be sure of pictures it knows nothing of.

What the two models have answered already is looked at, no further model is run: how plausible the segmenter's nerve
is, how sure it was of the border, how bright nerve and crop are, and the grader's logits. The distance is
Mahalanobis's; `convert.confidence` finds its centre, its precision and its threshold on held-out subjects.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from edge.errors import BundleError
from edge.findings import Nerve, Reason, Shortfall, above
from edge.frame import Mask, Pixels
from edge.manifest import ModelEntry, Typical
from edge.stages.grade import Grader
from edge.stages.placement import Box
from edge.stages.segment import Segmenter

Features = npt.NDArray[np.float64]  # (F,), or (N, F): as `FEATURES`

LOGITS = ("above normal", "above mild", "above moderate")
LAYERS_PX = (56, 56)  # of a crop of 15 mm: 0.27 mm, larger than speckle, smaller than a layer
FEATURES = (
    "log area",  # of mm²; where no spacing is known, of the mm² that a picture as wide as the canvas would have
    "log flattening",
    "log unfilled",  # the share of its ellipse that the nerve lacks
    "components",
    "depth",  # mm from the skin to the nerve's centre, likewise
    "nerve grey",  # mean, 0..255
    "crop grey",  # mean, 0..255
    "soft border",  # log of 1 + unsure pixels, those of one line along the nerve being about 1
    "layered",  # log of the crop's change downwards over its change sideways: the other plane has more layers
    "uneven sides",  # log of 1.01 - correlation of the crop's left quarter with its right one, by depth
    *LOGITS,
)


def features(nerve: Nerve, mask: Mask, segmenter: Segmenter, grader: Grader) -> Features:
    """What is looked at in the frame that both models have just answered; `mask` lies on the segmenter's canvas."""
    placement, mm_per_px = segmenter.placement, segmenter.spec.pixel_mm
    area_px = nerve.area_share * placement.target.width * placement.target.height
    return np.array(
        [
            math.log(area_px * mm_per_px**2),
            math.log(nerve.flattening_ratio),
            math.log(1.01 - nerve.ellipse_fill),
            nerve.components,
            (nerve.ellipse.y_px + 0.5) * placement.scale_y * mm_per_px,
            _mean_within(segmenter.canvas, mask),
            cv2.mean(grader.canvas)[0],
            math.log1p(segmenter.unsure_px() / math.sqrt(area_px)),
            *_layers(grader.canvas),
            *grader.logits,
        ]
    )


class Typicality:
    """The judge of one grader's frames."""

    def __init__(self, file: str, typical: Typical) -> None:
        """`file` is the grader's, for the error.

        Raises:
            BundleError: it was made by a sonoedge that looked at other features.
        """
        if typical.features != FEATURES:
            raise BundleError(
                f"{file}: typical frames are told by other features than here: run `sonoedge confidence` again"
            )
        self._centre, self._precision = np.array(typical.centre), np.array(typical.precision)
        self._threshold = typical.threshold

    @classmethod
    def of(cls, entry: ModelEntry) -> Typicality | None:
        """That of a grader, if its entry has one."""
        return None if entry.typical is None else cls(entry.file, entry.typical)

    def __call__(self, seen: Features) -> Shortfall | None:
        """How the frame with the features (F,) is unlike those held out, or None."""
        return above(Reason.UNLIKE_TRAINING, float(distance(seen, self._centre, self._precision)), self._threshold)


def distance(seen: Features, centre: Features, precision: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Squared Mahalanobis distance of features (F,) or (N, F): one number, or (N,)."""
    off = seen - centre
    squared: npt.NDArray[np.float64] = ((off @ precision) * off).sum(axis=-1)
    return squared


def _layers(crop: Pixels) -> tuple[float, float]:
    """`layered` and `uneven sides` of a crop (H, W), looked at without its speckle."""
    small = cv2.resize(crop, LAYERS_PX, interpolation=cv2.INTER_AREA)
    down, across = cv2.norm(small[1:], small[:-1], cv2.NORM_L1), cv2.norm(small[:, 1:], small[:, :-1], cv2.NORM_L1)
    width = LAYERS_PX[0] // 4
    sides = small[:, :width], small[:, -width:]
    left, right = (cv2.reduce(side, 1, cv2.REDUCE_AVG, dtype=cv2.CV_64F)[:, 0] for side in sides)
    left, right = left - cv2.mean(left)[0], right - cv2.mean(right)[0]
    alike = left.dot(right) / max(math.sqrt(left.dot(left) * right.dot(right)), 1e-6)
    return math.log((down + 1.0) / (across + 1.0)), math.log(1.01 - alike)


def _mean_within(pixels: Pixels, mask: Mask) -> float:
    left, top, width, height = cv2.boundingRect(mask)
    box = Box(left, top, left + width, top + height)
    return cv2.mean(box.of(pixels), box.of(mask))[0]
