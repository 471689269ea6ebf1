"""Is there a picture at all? Read from the content, whatever the capture device claims."""

from __future__ import annotations

from typing import Literal

import numpy as np

from edge.frame import Pixels

Signal = Literal["live", "frozen", "black", "flat", "colour bars", "no signal", "menu", "unreadable"]

STRIDE = 8
BLACK_BELOW = 24  # grey level: a screen with nothing brighter is black, limited-range black (16) included
FLAT_SPREAD = 2  # grey levels between the darkest and the brightest pixel of a flat screen


def signal_state(pixels: Pixels | None) -> Signal:
    """What a captured screen (H, W) or (H, W, 3) shows."""
    if pixels is None:
        return "unreadable"
    looked_at = np.ascontiguousarray(pixels[::STRIDE, ::STRIDE])  # gathered once for two passes
    brightest, darkest = int(looked_at.max()), int(looked_at.min())
    if brightest < BLACK_BELOW:
        return "black"
    return "flat" if brightest - darkest <= FLAT_SPREAD else "live"
