"""What stands in the place of what is hidden: the surroundings, smeared.

Not black: in ultrasound black is itself a finding (a shadow, a vessel, no contact), so that a black patch would add a
feature as well as hide one. The smeared picture keeps the brightness of the place, and has neither speckle nor border.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.frame import Pixels
from edge.stages.placement import Placement

SMEAR = 1 / 8  # standard deviation of the smear, as a share of the model's picture: 1.9 of 15 mm
_COARSER = 4  # the smear is made on a grid so much coarser: alike, and no longer six times an invoke


def smeared(picture: Pixels, placement: Placement) -> Pixels:
    """`picture` (H, W) with all that is finer than a nerve gone; black where the model has no picture, as before."""
    fill: Pixels = np.zeros_like(picture)
    inside = placement.target.of(picture)
    height, width = inside.shape
    small = cv2.resize(inside, (-(-width // _COARSER), -(-height // _COARSER)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), SMEAR * max(picture.shape) / _COARSER, borderType=cv2.BORDER_REPLICATE)
    placement.target.of(fill)[:] = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return fill
