"""Judge the picture, before the network looks: is it fit to look at? `edge.stages.fitness` judges the nerve after it.

Each rule is one number of the picture held against one threshold of the bundle. All but the last look at a sample of
the pixels. None knows a machine: they follow from what tissue under a probe looks like, whoever draws it.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.findings import Reason, Shortfall, above, below
from edge.frame import Pixels, Scan
from edge.manifest import Thresholds

SAMPLES = 160  # pixels a side, or some more, are enough for whatever has no fine detail
WHITE = 250  # grey level: compressed video has no even 255
TILES = 4  # a side: gain is set by depth, and one side of a picture may reflect more
BRIGHTEST = 0.01  # of the pixels: a probe's own ringing is more, even in the box of a sector
BRIGHT = 0.05  # of the pixels: the layers of any tissue are more
PARTS = 8  # a side: so large that speckle and noise average out, small enough for a tendon or a bone
BLACK = 2.0  # grey level: a darker part holds no echo, or lies outside a sector
FAINT = 16.0  # grey levels: where there is hardly any grain, steps of so little are no echoes either
FINE_MM, FINES_OF_DEPTH = 0.15, 256  # the size of speckle; a picture of unknown scale is taken to be 38 mm deep
COARSE = 8  # times the fine distance: the size of what speckle makes up
LINES = 64  # rows, or some more, are enough for sharpness along them
DEPTHS = 192  # ... and so many for sharpness down: layers run along rows, so that a few depths are few samples


def too_small(pixels: Pixels, thresholds: Thresholds) -> Shortfall | None:
    """Whether a picture (H, W) or (H, W, 3) is too small to hold a nerve: the shorter side in px."""
    return below(Reason.TOO_SMALL, min(pixels.shape[:2]), thresholds.min_picture_px)


def judge_picture(scan: Scan, thresholds: Thresholds) -> Shortfall | None:
    """Why this picture cannot be looked at, or None."""
    unfit = too_small(scan.pixels, thresholds)
    unfit = unfit or above(Reason.NOT_B_MODE, scan.colour_share, thresholds.max_colour_share)
    if unfit:
        return unfit
    return _judge_light(_sample(scan.pixels), thresholds) or _judge_sharpness(scan, thresholds)


def _judge_light(sample: Pixels, thresholds: Thresholds) -> Shortfall | None:
    lit = np.count_nonzero(sample >= math.ceil(thresholds.min_brightness)) / sample.size
    return (
        (None if lit > BRIGHTEST else _judge_brightness(sample, BRIGHTEST, thresholds))
        or below(Reason.NO_CONTRAST, cv2.meanStdDev(sample)[1].item(), thresholds.min_contrast)
        or below(Reason.NO_CONTACT, _echoes(sample), thresholds.min_echoes)
        or (None if lit > BRIGHT else _judge_brightness(sample, BRIGHT, thresholds))
        or _judge_white(sample, thresholds)
    )


def _judge_sharpness(scan: Scan, thresholds: Thresholds) -> Shortfall | None:
    """A change that is fine, as a share of one that is coarse, knows neither the picture's contrast nor its zoom.

    Motion smooths one direction, defocus both. A smooth picture changes in proportion to the distance: 1/8.
    """
    pixels, mm_per_px = scan.pixels, scan.spacing.mm_per_px
    fine = pixels.shape[0] / FINES_OF_DEPTH if mm_per_px is None else FINE_MM / mm_per_px
    px = max(1, min(round(fine), (min(pixels.shape) - 1) // COARSE))
    depths, lines = max(1, len(pixels) // DEPTHS), pixels[:: max(1, min(pixels.shape) // LINES)]
    far = (px, COARSE * px)
    axial = _sharpness(*(_change(pixels[by::depths], pixels[:-by:depths]) for by in far))
    lateral = _sharpness(*(_change(lines[:, by:], lines[:, :-by]) for by in far))
    return below(Reason.BLURRED, axial, thresholds.min_axial_sharpness) or below(
        Reason.BLURRED, lateral, thresholds.min_lateral_sharpness
    )


def _sample(pixels: Pixels) -> Pixels:
    """The picture at every so many pixels, cut to whole parts, which OpenCV averages ten times as fast."""
    stride = max(1, min(pixels.shape) // SAMPLES)
    sample = pixels[::stride, ::stride]
    height, width = (max(1, side // PARTS) * PARTS for side in sample.shape)
    return np.ascontiguousarray(sample[:height, :width])


def _judge_brightness(sample: Pixels, share: float, thresholds: Thresholds) -> Shortfall | None:
    """By the grey level that the brightest `share` of the pixels reaches: dear to know, wanted only where it is low."""
    at_most = np.cumsum(cv2.calcHist([sample], [0], None, [256], [0, 256])) / sample.size
    return below(Reason.TOO_DARK, int(np.searchsorted(at_most, 1 - share)), thresholds.min_brightness)


def _judge_white(sample: Pixels, thresholds: Thresholds) -> Shortfall | None:
    """By the share of the whitest tile; tiles are only looked at where all that is white would be too much for one."""
    white = cv2.threshold(sample, WHITE - 1, 255, cv2.THRESH_BINARY)[1]
    if cv2.countNonZero(white) * TILES**2 <= thresholds.max_saturated_share * sample.size:
        return None
    whitest = cv2.resize(white, (TILES, TILES), interpolation=cv2.INTER_AREA).max() / 255
    return above(Reason.SATURATED, whitest, thresholds.max_saturated_share)


def _echoes(sample: Pixels) -> float:
    """How much neighbouring parts at one depth differ below the top quarter, over the grain within the parts.

    Off the skin a probe shows its own ringing at the top, and below it nothing, or the ringing's repetitions and
    noise, which the gain by depth brightens: all of that is alike from side to side. Tissue never is. Nothing: 0.
    """
    values = sample[len(sample) // 4 :].astype(np.float32)
    parts = (PARTS, PARTS * 3 // 4)
    mean, square = (cv2.resize(x, parts, interpolation=cv2.INTER_AREA) for x in (values, values * values))
    here, beside = mean[:, 1:], mean[:, :-1]
    lit = np.minimum(here, beside) > BLACK
    steps = np.sort(np.abs(here - beside)[lit])
    if not len(steps):
        return 0.0
    grain = np.sort(np.sqrt(np.maximum(square - mean * mean, 0.0))[:, 1:][lit])
    middle = (grain[(len(grain) - 1) // 2] + grain[len(grain) // 2]) / 2
    return float(steps[int(0.98 * len(steps))] / (FAINT + middle))


def _sharpness(fine: float, coarse: float) -> float:
    """Of changes in grey levels; 1 where nothing changes: it says nothing."""
    return fine / coarse if coarse else 1.0


def _change(here: Pixels, there: Pixels) -> float:
    """Mean difference of pixels, in grey levels; 0 where there are none."""
    return cv2.norm(here, there, cv2.NORM_L1) / here.size if here.size else 0.0
