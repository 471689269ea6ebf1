"""How well two masks agree: overlap, and distance between their borders."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from edge.metrics.arrays import AnyArray, FloatArray, same_shape

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def dice(mask: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Dice similarity coefficient (DSC) of two masks of one shape, non-zero = inside; 0..1.

    Two empty masks agree: 1.

    Raises:
        ValueError: the shapes differ.
    """
    a, b = same_shape(mask, truth)
    a, b = a != 0, b != 0
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return 2.0 * np.count_nonzero(a & b) / total if total else 1.0


def precision_recall(mask: npt.ArrayLike, truth: npt.ArrayLike) -> tuple[float, float]:
    """Share of the mask's pixels that are right, and share of the truth's that are found (P1); 0..1, as in `dice`.

    Two empty masks agree: 1 and 1. Of one empty mask both are 0, as is their DSC.

    Raises:
        ValueError: the shapes differ.
    """
    a, b = same_shape(mask, truth)
    a, b = a != 0, b != 0
    inside, wanted, both = (int(np.count_nonzero(each)) for each in (a, b, a & b))
    if not inside or not wanted:
        return (1.0, 1.0) if inside == wanted else (0.0, 0.0)
    return both / inside, both / wanted


def hausdorff(mask: npt.ArrayLike, truth: npt.ArrayLike, mm_per_px: float = 1.0) -> float:
    """Hausdorff distance (P1's HD) of the borders of two masks (H, W), non-zero = inside; mm, or px by default.

    The largest distance from a border pixel of either mask to the nearest of the other, between pixel centres. Two
    empty masks agree: 0; of one empty mask, inf.

    Raises:
        ValueError: the shapes differ or are not (H, W).
    """
    return _border_distance(mask, truth, 100.0) * mm_per_px


def hd95(mask: npt.ArrayLike, truth: npt.ArrayLike, mm_per_px: float = 1.0) -> float:
    """As `hausdorff`, with the 95th percentile for the largest: a speck of the border does not decide.

    The percentile is taken each way and the larger one is the answer (Metrics Reloaded, Maier-Hein et al. 2024).

    Raises:
        ValueError: the shapes differ or are not (H, W).
    """
    return _border_distance(mask, truth, 95.0) * mm_per_px


def _border_distance(mask: npt.ArrayLike, truth: npt.ArrayLike, percent: float) -> float:
    a, b = same_shape(mask, truth)
    if a.ndim != 2:
        raise ValueError(f"a mask is (H, W), not {a.shape}")
    first, second = _filled(a), _filled(b)
    if not first.any() or not second.any():
        return math.inf if first.any() or second.any() else 0.0
    left, top, width, height = cv2.boundingRect(first | second)  # the rest of the picture is far from both borders
    part = slice(top, top + height), slice(left, left + width)
    one, other = _border(first[part]), _border(second[part])
    return float(max(np.percentile(_distances(one, other), percent), np.percentile(_distances(other, one), percent)))


def _filled(mask: AnyArray) -> npt.NDArray[np.uint8]:
    filled: npt.NDArray[np.uint8] = (mask != 0).astype(np.uint8)
    return filled


def _border(inside: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """The pixels inside that have a neighbour, side by side, outside; past the picture is outside."""
    core = cv2.erode(inside, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    border: npt.NDArray[np.bool_] = inside > core
    return border


def _distances(of: npt.NDArray[np.bool_], to: npt.NDArray[np.bool_]) -> FloatArray:
    """From each pixel of the one border to the nearest of the other, px."""
    field = cv2.distanceTransform((~to).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # OpenCV's float32 roots differ in their last bit from run to run. Their squares are whole numbers of pixels.
    exact: FloatArray = np.sqrt(np.rint(field[of].astype(np.float64) ** 2))
    return exact
