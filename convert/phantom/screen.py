"""A phantom's picture within a machine's whole screen, with the exact place and size of all that is on it.

The machines are made up. Their screens differ in what a reader of screens must not rely on: background, side of the
ruler, panel and menu, font, ticks and labels. What a screen shows is sharp and flat outside the picture, as a digital
output delivers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import cv2
import numpy as np

from convert.phantom.frames import PhantomFrame
from edge.frame import Mask, Pixels, Roi

Colour = tuple[int, int, int]  # BGR
Side = Literal["left", "right"]

SIZES = ((1920, 1080), (1280, 720), (800, 600), (640, 480))
EXAM_BEGAN = datetime(2026, 1, 1, 12, 34, 56)
TICK_MM = 5.0
BOLD = cv2.FONT_HERSHEY_DUPLEX


@dataclass(frozen=True)
class Console:
    """How one make of machine lays out its screen. Lengths are in lines of text, `Display.em` pixels each."""

    logo: str
    background: Colour
    bar: Colour  # title bar, panel and buttons
    ink: Colour
    panel: Side
    panel_lines: float  # its width
    ruler: Side
    minor_ticks: bool  # every 5 mm between the centimetres
    labels: bool  # the centimetres have numbers
    font: int = cv2.FONT_HERSHEY_SIMPLEX


CONSOLES = {
    "console-a": Console("CONSOLE A", (0, 0, 0), (44, 36, 30), (210, 210, 210), "right", 12.0, "left", True, True),
    "console-b": Console("Console B", (34, 30, 28), (66, 58, 52), (235, 225, 205), "left", 9.0, "right", True, True),
    "portable-c": Console("PORTABLE-C", (12, 12, 12), (12, 12, 12), (90, 210, 240), "left", 8.0, "left", True, False),
    "handheld-d": Console("handheld d", (0, 0, 0), (0, 0, 0), (240, 240, 240), "right", 7.0, "right", False, True),
    "console-e": Console(
        "CONSOLE E", (24, 20, 18), (92, 70, 48), (250, 240, 230), "left", 11.0, "left", True, True, BOLD
    ),
}
MENU = ("Freeze", "Depth", "Gain", "Focus", "Measure", "Text", "Store")


@dataclass(frozen=True)
class Display:
    """What a screen is drawn on and for. `console` None takes the machine that took the picture.

    `mm_per_px` None takes the largest picture that fits and has a whole number of pixels to 5 mm.
    """

    width: int
    height: int
    console: str | None = None
    mm_per_px: float | None = None

    @property
    def em(self) -> int:
        """Height of a line of text, in pixels."""
        return max(11, round(self.height * 0.023))


@dataclass(frozen=True)
class Ruler:
    """The depth ruler: ticks at the skin and every 5 or 10 mm below it, read at the column `x`."""

    x: int
    rows: tuple[int, ...]  # of the ticks, the first at the top of the picture
    tick_mm: float


@dataclass(frozen=True)
class Screen:
    """A whole machine screen with its truth."""

    pixels: Pixels  # (H, W, 3) BGR
    mask: Mask  # (H, W), 1 = nerve
    roi: Roi
    mm_per_px: float  # exact, both ways
    ruler: Ruler
    text_boxes: tuple[Roi, ...]  # tight round the ink; none touches the picture


def draw_screen(frame: PhantomFrame, display: Display, *, index: int | None = None, at_s: float = 0.0) -> Screen:
    """The screen that shows `frame`, `at_s` seconds into the exam; `index` is written into the banner.

    Raises:
        ValueError: the display is too small for the picture at the display's `mm_per_px`.
    """
    console = CONSOLES[display.console or frame.settings.machine]
    pen = _Pen(display, console)
    _banner(pen, frame, index, at_s)
    _panel(pen, frame)
    free = _free_area(display, console)
    mm_per_px = display.mm_per_px or _fitting_scale(frame, free)
    picture, nerve = _resampled(frame, mm_per_px)
    height, width = picture.shape
    if height > free.height or width > free.width:
        raise ValueError(
            f"a picture of {width} x {height} px does not fit the {free.width} x {free.height} px left of {display}"
        )
    roi = Roi(free.x + (free.width - width) // 2, free.y, width, height)
    ruler = _ruler(pen, roi, mm_per_px)
    _grey_bar(pen, roi)
    roi.of(pen.pixels)[:] = picture[..., None]
    mask = np.zeros(pen.pixels.shape[:2], np.uint8)
    roi.of(mask)[:] = nerve
    return Screen(pen.pixels, mask, roi, mm_per_px, ruler, tuple(pen.text_boxes))


class _Pen:
    """Draws on one screen and remembers where its text lies."""

    def __init__(self, display: Display, console: Console) -> None:
        self.display, self.console, self.em = display, console, display.em
        self.pixels: Pixels = np.full((display.height, display.width, 3), console.background, np.uint8)
        self.text_boxes: list[Roi] = []

    def write(
        self, text: str, x: float, y: float, *, anchor: Literal["left", "right", "middle"] = "left", lines: float = 1.0
    ) -> None:
        """Writes so that the ink's top lies at `y` and its left end, right end or middle at `x`."""
        alpha = _ink_of(text, self.console.font, self.em * lines)
        height, width = alpha.shape
        left = round(x - {"left": 0.0, "middle": width / 2, "right": width}[anchor])
        box = Roi(left, round(y), width, height)
        below = box.of(self.pixels)
        below[:] = np.round(below + (np.array(self.console.ink) - below) * (alpha[..., None] / 255)).astype(np.uint8)
        self.text_boxes.append(box)

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


def _banner(pen: _Pen, frame: PhantomFrame, index: int | None, at_s: float) -> None:
    em, width = pen.em, pen.display.width
    number = frame.subject.name.rpartition("-")[2]
    clock = EXAM_BEGAN + timedelta(seconds=int(at_s))
    pen.box((0, 0, width, 2 * em), pen.console.bar)
    pen.write(f"PHANTOM {number}  ID {number}  {clock:%Y-%m-%d %H:%M:%S}", em, 0.6 * em)
    if index is not None:
        pen.write(f"F {index:05d}", width - em, 0.6 * em, anchor="right")


def _panel(pen: _Pen, frame: PhantomFrame) -> None:
    """Logo, settings and the buttons of the menu, in a column at one side."""
    em, console, settings = pen.em, pen.console, frame.settings
    wide = console.panel_lines * em
    left = 0.0 if console.panel == "left" else pen.display.width - wide
    pen.box((left, 2 * em, wide, pen.display.height - 2 * em), console.bar)
    pen.box((left + 0.5 * em, 2.7 * em, wide - em, 2.2 * em), console.ink, hollow=True)
    pen.write(console.logo, left + wide / 2, 3.4 * em, anchor="middle")
    lines = (
        f"Wrist {frame.subject.side[0].upper()}",
        f"D {settings.depth_mm / 10:.1f} cm",
        f"G {50 + settings.gain_db * 2:.0f}",
        f"{settings.frequency_mhz:.1f} MHz",
        f"DR {settings.dynamic_range_db:.0f} dB",
        "MI 0.8",
    )
    for number, line in enumerate(lines):
        pen.write(line, left + 0.7 * em, (6.2 + 1.5 * number) * em)
    top = (6.2 + 1.5 * len(lines) + 1.5) * em
    blue, green, red = console.bar
    button = blue + 14, green + 14, red + 14
    for number, name in enumerate(MENU):
        y = top + 2.3 * em * number
        pen.box((left + 0.5 * em, y, wide - em, 1.8 * em), button)
        pen.write(name, left + wide / 2, y + 0.45 * em, anchor="middle", lines=0.9)


def _free_area(display: Display, console: Console) -> Roi:
    """What banner and panel leave for the picture, with room at both sides for ruler and grey bar."""
    em = display.em
    panel = round(console.panel_lines * em)
    x = round(4.5 * em) + (panel if console.panel == "left" else 0)
    y = round(3.5 * em)
    return Roi(x, y, display.width - panel - round(9 * em), display.height - y - round(2.5 * em))


def _fitting_scale(frame: PhantomFrame, free: Roi) -> float:
    height, width = frame.pixels.shape
    smallest = frame.mm_per_px * max(width / free.width, height / free.height)
    return TICK_MM / int(TICK_MM / smallest)


def _resampled(frame: PhantomFrame, mm_per_px: float) -> tuple[Pixels, Mask]:
    """Picture and mask at another spacing. The factor is the same both ways: the last part of a pixel is cut off."""
    factor = frame.mm_per_px / mm_per_px
    if factor == 1.0:
        return frame.pixels, frame.mask
    height, width = frame.pixels.shape
    size = int(width * factor), int(height * factor)
    move = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2]])  # pixels are squares, not points
    picture = frame.pixels
    if factor < 1.0:  # what the coarser grid cannot show must not fold into it
        picture = cv2.GaussianBlur(picture, (0, 0), 0.5 * np.sqrt(1 / factor**2 - 1))
    cubic, linear, edge = cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
    mask = cv2.warpAffine(frame.mask * np.uint8(255), move, size, flags=linear, borderMode=edge)
    return cv2.warpAffine(picture, move, size, flags=cubic, borderMode=edge), (mask > 127).astype(np.uint8)


def _ruler(pen: _Pen, roi: Roi, mm_per_px: float) -> Ruler:
    """Ticks outwards from the picture's side, longer at the centimetres, and the depth in words below them."""
    em, console = pen.em, pen.console
    step_mm = TICK_MM if console.minor_ticks else 2 * TICK_MM
    outwards = -1 if console.ruler == "left" else 1
    start = roi.x - round(0.4 * em) if console.ruler == "left" else roi.x + roi.width - 1 + round(0.4 * em)
    count = int(roi.height * mm_per_px / step_mm + 1e-6)
    rows = tuple(roi.y + round(number * step_mm / mm_per_px) for number in range(count + 1))
    for number, row in enumerate(rows):
        whole_cm = number * step_mm % 10 == 0
        length = round((0.9 if whole_cm else 0.5) * em)
        cv2.line(pen.pixels, (start, row), (start + outwards * length, row), console.ink, 1)
        if whole_cm and console.labels and number:
            x = start + outwards * 1.3 * em
            pen.write(
                f"{number * step_mm / 10:.0f}", x, row - 0.3 * em, anchor="left" if outwards > 0 else "right", lines=0.9
            )
    depth = f"{roi.height * mm_per_px / 10:.1f} cm"
    pen.write(depth, start, roi.y + roi.height + 0.8 * em, anchor="left" if outwards > 0 else "right", lines=0.9)
    return Ruler(start + outwards * round(0.25 * em), rows, step_mm)


def _grey_bar(pen: _Pen, roi: Roi) -> None:
    """The grey map, white on top, at the side that the ruler leaves free."""
    em = pen.em
    width, height = round(0.8 * em), min(round(9 * em), roi.height)
    x = roi.x + roi.width + em if pen.console.ruler == "left" else roi.x - em - width
    pen.pixels[roi.y : roi.y + height, x : x + width] = np.linspace(255, 0, height).astype(np.uint8)[:, None, None]
