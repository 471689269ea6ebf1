"""Which frames are near copies of one another: the same picture again, or with another gain, noise or compression."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Pixels

SIDE = 32  # px of a thumbnail: fine enough that the speckle of another subject tells
ALIKE = 0.98
"""Correlation of two thumbnails from which one is a copy of the other. Frames of different subjects reach 0.97 in the
calibration data and 0.92 in real wrists; one frame with another gain, noise or JPEG compression has 0.999."""

Thumbnail = npt.NDArray[np.float32]  # (SIDE * SIDE,), mean 0, length 1; all 0 for a flat picture


def thumbnail(grey: Pixels) -> Thumbnail:
    """A small picture of a (H, W) one that gain and offset do not change."""
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return small / np.float32(length) if length > 0 else small


def first_alike(thumbnails: Sequence[Thumbnail]) -> list[int]:
    """For each picture the place of the first that it is a near copy of: its own where there is none before it."""
    kept = np.empty((len(thumbnails), SIDE * SIDE), np.float32)
    places: list[int] = []
    firsts: list[int] = []
    for at, small in enumerate(thumbnails):
        likeness = kept[: len(places)] @ small
        if places and likeness.max() >= ALIKE:
            firsts.append(places[int(likeness.argmax())])
            continue
        kept[len(places)] = small
        places.append(at)
        firsts.append(at)
    return firsts
