"""Drawing on a machine's screen: text whose place is remembered, boxes and lines."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from edge.frame import Pixels, Roi

Colour = tuple[int, int, int]  # BGR


class Pen:
    """Draws on one screen of one background colour and remembers where its text lies and what it says."""

    def __init__(self, width: int, height: int, em: int, *, background: Colour, ink: Colour, font: int) -> None:
        self.em, self.ink, self.font = em, ink, font  # em: height of a line of text, in pixels
        self.pixels: Pixels = np.full((height, width, 3), background, np.uint8)
        self.text_boxes: list[Roi] = []
        self.texts: list[str] = []

    def write(
        self,
        text: str,
        x: float,
        y: float,
        *,
        anchor: Literal["left", "right", "middle"] = "left",
        lines: float = 1.0,
        ink: Colour | None = None,
    ) -> None:
        """Writes so that the ink's top lies at `y` and its left end, right end or middle at `x`."""
        alpha = _ink_of(text, self.font, self.em * lines)
        height, width = alpha.shape
        left = round(x - {"left": 0.0, "middle": width / 2, "right": width}[anchor])
        left = max(0, min(left, self.pixels.shape[1] - width))  # long words on a narrow panel stay on the screen
        box = Roi(left, round(y), width, height)
        below = box.of(self.pixels)
        below[:] = np.round(below + (np.array(ink or self.ink) - below) * (alpha[..., None] / 255)).astype(np.uint8)
        self.text_boxes.append(box)
        self.texts.append(text)

    def box(self, place: tuple[float, float, float, float], colour: Colour, *, hollow: bool = False) -> None:
        """Fills the rectangle at x, y of this width and height, or draws its edge."""
        x, y, width, height = place
        corners = (round(x), round(y)), (round(x + width) - 1, round(y + height) - 1)
        cv2.rectangle(self.pixels, *corners, colour, max(1, self.em // 12) if hollow else cv2.FILLED)


def _ink_of(text: str, font: int, em: float) -> Pixels:
    """The text alone, cut tight, 0..255. Measured on what is drawn: the fonts differ between OpenCV's versions."""
    sheet = np.zeros((round(4 * em), round((len(text) + 4) * 1.5 * em)), np.uint8)
    cv2.putText(sheet, text, (round(em), round(2.5 * em)), font, em / 31, 255, max(1, round(em / 16)), cv2.LINE_AA)
    x, y, width, height = cv2.boundingRect(sheet)
    return sheet[y : y + height, x : x + width]
