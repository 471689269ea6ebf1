"""Rulers as the makes of machines draw them: any side, one to three ranks, ticks, dots or a comb, labels or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from convert.phantom.pen import Colour, Pen
from edge.frame import Roi

DEPTH_WORDS = (
    "D {cm:.1f} cm",
    "{cm:.1f} cm",
    "D: {mm:.0f}mm",
    "Depth {cm:.1f}cm",
    "DEPTH: {cm:.1f} cm",
    "De {mm:.0f} mm",
)
FOCUS: Colour = (0, 230, 255)
MM = {"mm": 1.0, "cm": 10.0}


@dataclass(frozen=True)
class RulerStyle:
    """How one ruler is drawn. Lengths of marks are in lines of text."""

    side: Literal["left", "right", "bottom"]
    ranks_mm: tuple[float, ...] = (5.0, 10.0)  # a tick at each of the first, a longer one at each of the next
    marks: Literal["ticks", "dots", "comb"] = "ticks"  # comb: the ticks hang on a line
    label_mm: float | None = 10.0  # a number at each, but the zero
    unit: Literal["cm", "mm"] = "cm"  # of the numbers
    unit_shown: bool = False  # it stands where the zero would
    gap: float = 0.4  # between picture and ruler
    thick_px: int = 1
    ink: Colour | None = None  # None: the machine's
    focus: bool = False  # two focus marks on it


@dataclass(frozen=True)
class Ruler:
    """A ruler as drawn, read at the column `x` (of the bottom one, at the row `x`)."""

    x: int
    rows: tuple[int, ...]  # of the ticks, the first at the top (left) of the picture
    tick_mm: float


def draw_ruler(pen: Pen, roi: Roi, mm_per_px: float, style: RulerStyle) -> Ruler:
    """Ticks outwards from the picture's side, the first at its top or left end."""
    down, em = style.side != "bottom", pen.em
    outwards = -1 if style.side == "left" else 1
    edge = {"left": roi.x, "right": roi.x + roi.width - 1, "bottom": roi.y + roi.height - 1}[style.side]
    base, origin, length = (
        edge + outwards * round(style.gap * em),
        *((roi.y, roi.height) if down else (roi.x, roi.width)),
    )
    step = style.ranks_mm[0]
    count = int(length * mm_per_px / step + 1e-6)
    places = tuple(origin + round(number * step / mm_per_px) for number in range(count + 1))
    ink = style.ink or pen.ink

    def line(start: tuple[float, float], end: tuple[float, float]) -> None:
        (a, b), (c, d) = [(round(along), round(off)) for along, off in (start, end)]
        cv2.line(pen.pixels, *(((b, a), (d, c)) if down else ((a, b), (c, d))), ink, style.thick_px)

    if style.marks == "comb":
        line((places[0], base), (places[-1], base))
    for number, place in enumerate(places):
        rank = sum(_divides(mm, number * step) for mm in style.ranks_mm[1:])
        long = 0.9 - 0.4 * (len(style.ranks_mm) - 1 - rank) / max(1, len(style.ranks_mm) - 1)
        if style.marks == "dots":
            radius = max(1, round((0.06 + 0.05 * rank) * em))
            cv2.circle(pen.pixels, (base, place) if down else (place, base), radius, ink, cv2.FILLED)
        else:
            line((place, base), (place, base + outwards * round(long * em)))
        if style.label_mm and number and _divides(style.label_mm, number * step):
            _label(pen, style, place, base + outwards * 1.3 * em, f"{number * step / MM[style.unit]:.4g}")
    if style.unit_shown:
        _label(pen, style, places[0], base + outwards * 1.3 * em, style.unit)
    if style.focus:
        for share in (0.37, 0.61):
            _focus(pen, style, round(origin + share * length), base)
    return Ruler(base + outwards * round(0.25 * em), places, step)


def _divides(step: float, length: float) -> bool:
    return abs(length / step - round(length / step)) < 1e-6


def _label(pen: Pen, style: RulerStyle, along: int, off: float, text: str) -> None:
    if style.side == "bottom":
        pen.write(text, along, off, anchor="middle", lines=0.9, ink=style.ink)
    else:
        anchor: Literal["left", "right"] = "right" if style.side == "left" else "left"
        pen.write(text, off, along - 0.3 * pen.em, anchor=anchor, lines=0.9, ink=style.ink)


def _focus(pen: Pen, style: RulerStyle, along: int, base: int) -> None:
    """An hourglass over the ticks."""
    half = max(3, round(0.35 * pen.em))
    x, y = (base, along) if style.side != "bottom" else (along, base)
    for side in (-1, 1):
        corners = [(x, y), (x - half, y + side * half), (x + half, y + side * half)]
        cv2.fillConvexPoly(pen.pixels, np.array(corners, np.int32), FOCUS)
