"""Pictures with their colour within or beside them, as video carries it: turned into BGR, or into grey."""

from __future__ import annotations

import cv2
import numpy as np

from edge.frame import Pixels, Roi

ROWS = 32  # of chroma are turned into colour at once: what is made on the way stays in the core's own memory


def in_colour(pixels: Pixels, chroma: Pixels | None) -> Pixels:
    """A picture as BGR (H, W, 3), or as grey (H, W) where it has no colour: itself, but for luma with its chroma."""
    return pixels if chroma is None else bgr(pixels, chroma)


def bgr(luma: Pixels, chroma: Pixels) -> Pixels:
    """Luma (H, W) and its chroma (h, w, 2), Cb and Cr about 128, of the same part, as BGR (H, W, 3) (BT.601)."""
    coloured: Pixels = np.empty((*luma.shape, 3), np.uint8)
    times, left_over = divmod(len(luma), len(chroma))
    rows = len(chroma) if left_over else min(ROWS, len(chroma))
    for top in range(0, len(chroma), rows):
        band = slice(top * times, None if left_over else (top + rows) * times)
        part = luma[band]
        size = part.shape[1], part.shape[0]
        blue, red = (
            cv2.resize(chroma[top : top + rows, :, plane], size, interpolation=cv2.INTER_NEAREST) for plane in (0, 1)
        )
        cv2.cvtColor(cv2.merge((part, red, blue)), cv2.COLOR_YCrCb2BGR, dst=coloured[band])
    return coloured


def chroma_within(roi: Roi, pixels: Pixels, chroma: Pixels | None) -> Pixels | None:
    """Of the chroma of `pixels`, the part (h, w, 2) within `roi`: a view; None where there is none."""
    if chroma is None:
        return None
    down, across = pixels.shape[0] // chroma.shape[0], pixels.shape[1] // chroma.shape[1]
    rows = slice(roi.y // down, -(-(roi.y + roi.height) // down))
    return chroma[rows, roi.x // across : -(-(roi.x + roi.width) // across)]


def to_grey(pixels: Pixels) -> Pixels:
    """(H, W) or BGR (H, W, 3) as grey (H, W)."""
    if pixels.ndim == 2:
        return pixels
    grey: Pixels = np.empty(pixels.shape[:2], np.uint8)
    cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY, dst=grey)
    return grey
