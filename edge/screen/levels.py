"""Limited or full range: whether a capture gives black as 16 and white as 235, and the table that undoes it.

It is told from a whole screen, where text is white and the background black, never from the picture alone, whose
gain and probe decide how bright it is. Stretching a full-range picture loses its darkest and brightest greys, leaving
a limited one as it is costs some contrast: in doubt the range is full.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Pixels

BLACK, WHITE = 16, 235  # ITU-R BT.601 and BT.709, 8 bits
LOOK = (480, 270)  # samples across and down: white letters are a few pixels thick
ENDS = 24  # samples are black to the level, and as many white: more than a cursor has, less than a line of text

STRETCH: Pixels = np.clip(np.rint((np.arange(256) - BLACK) * 255 / (WHITE - BLACK)), 0, 255).astype(np.uint8)
"""(256,) for `cv2.LUT`: limited range to full."""
STRETCH.flags.writeable = False


def is_limited(*screens: Pixels) -> bool:
    """Whether captured screens (H, W) or BGR (H, W, 3), one or several of a source, are in limited range.

    They are where the darkest value of all is 16 and the brightest 235, and both are met often, as a digital capture
    meets them: noise, analog levels and a scaler's overshoot leave no such ends. Stretched screens have black at 0.
    """
    counts = sum((_counts(screen) for screen in screens), np.zeros(256, np.int64))
    within = not counts[:BLACK].any() and not counts[WHITE + 1 :].any()
    return bool(within and counts[BLACK] >= ENDS and counts[WHITE] >= ENDS)


def _counts(screen: Pixels) -> npt.NDArray[np.int64]:
    size = min(screen.shape[1], LOOK[0]), min(screen.shape[0], LOOK[1])
    samples = cv2.resize(screen, size, interpolation=cv2.INTER_NEAREST).reshape(-1, 1)
    return cv2.calcHist([samples], [0], None, [256], [0, 256]).ravel().astype(np.int64)
