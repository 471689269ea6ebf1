"""A phantom's picture within a machine's whole screen, with the exact place and size of all that is on it.

The machines are made up. Their screens differ in what a reader of screens must not rely on: background, side of the
ruler, panel and menu, font, ticks and labels. What a screen shows is sharp and flat outside the picture, as a digital
output delivers it; `captured` is what a scaler and a codec make of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import cv2
import numpy as np

from convert.phantom.frames import PhantomFrame
from convert.phantom.pen import Colour, Pen
from convert.phantom.ruler import Ruler, RulerStyle, draw_ruler
from edge.frame import Mask, Pixels, Roi

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

    @property
    def ruler_style(self) -> RulerStyle:
        ranks = (TICK_MM, 2 * TICK_MM) if self.minor_ticks else (2 * TICK_MM,)
        return RulerStyle(self.ruler, ranks, label_mm=10.0 if self.labels else None)


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

    `mm_per_px` None takes the largest picture that fits and has a whole number of pixels to 5 mm. `rulers` None draws
    the machine's own. `depth` is how the panel writes the depth, a format of `cm` and `mm` (`ruler.DEPTH_WORDS`); None
    writes it nowhere.
    """

    width: int
    height: int
    console: str | None = None
    mm_per_px: float | None = None
    rulers: tuple[RulerStyle, ...] | None = None
    depth: str | None = "D {cm:.1f} cm"

    @property
    def em(self) -> int:
        """Height of a line of text, in pixels."""
        return max(11, round(self.height * 0.023))


@dataclass(frozen=True)
class Screen:
    """A whole machine screen with its truth."""

    pixels: Pixels  # (H, W, 3) BGR
    mask: Mask  # (H, W), 1 = nerve
    roi: Roi
    mm_per_px: float  # exact, both ways
    ruler: Ruler | None  # the first of its rulers
    text_boxes: tuple[Roi, ...]  # tight round the ink; none touches the picture
    texts: tuple[str, ...]  # what stands in each


def draw_screen(frame: PhantomFrame, display: Display, *, index: int | None = None, at_s: float = 0.0) -> Screen:
    """The screen that shows `frame`, `at_s` seconds into the exam; `index` is written into the banner.

    Raises:
        ValueError: the display is too small for the picture at the display's `mm_per_px`.
    """
    console = CONSOLES[display.console or frame.settings.machine]
    background, ink, font = console.background, console.ink, console.font
    pen = Pen(display.width, display.height, display.em, background=background, ink=ink, font=font)
    _banner(pen, console, frame, index, at_s)
    _panel(pen, console, frame, display.depth)
    free = _free_area(display, console)
    mm_per_px = display.mm_per_px or TICK_MM / int(TICK_MM / finest_scale(frame, display))
    picture, nerve = _resampled(frame, mm_per_px)
    height, width = picture.shape
    if height > free.height or width > free.width:
        raise ValueError(
            f"a picture of {width} x {height} px does not fit the {free.width} x {free.height} px left of {display}"
        )
    roi = Roi(free.x + (free.width - width) // 2, free.y, width, height)
    styles = (console.ruler_style,) if display.rulers is None else display.rulers
    rulers = [draw_ruler(pen, roi, mm_per_px, style) for style in styles]
    sides = [style.side for style in styles if style.side != "bottom"] or [console.ruler]
    if display.depth and len(sides) == len(styles):  # else the place is a ruler's
        _depth_below(pen, roi, mm_per_px, sides[0])
    _grey_bar(pen, roi, sides[0])
    roi.of(pen.pixels)[:] = picture[..., None]
    mask = np.zeros(pen.pixels.shape[:2], np.uint8)
    roi.of(mask)[:] = nerve
    ruler = rulers[0] if rulers else None
    return Screen(pen.pixels, mask, roi, mm_per_px, ruler, tuple(pen.text_boxes), tuple(pen.texts))


def finest_scale(frame: PhantomFrame, display: Display) -> float:
    """The mm per px at which the picture just fits the display."""
    free = _free_area(display, CONSOLES[display.console or frame.settings.machine])
    height, width = frame.pixels.shape
    return frame.mm_per_px * max(width / free.width, height / free.height)


def captured(screen: Screen, factor: float, *, jpeg_quality: int | None = None) -> Screen:
    """The screen as a scaler delivers it, `factor` times as large, and a codec if a quality (1..100) is given.

    Its truth is scaled too; the ruler's is left out, for its ticks lie between pixels then. `factor` should make whole
    numbers of both sides: what is rounded away is not in `mm_per_px`.
    """
    height, width = (round(side * factor) for side in screen.mask.shape)
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    pixels = cv2.resize(screen.pixels, (width, height), interpolation=way)
    if jpeg_quality is not None:
        code = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])[1]
        pixels = cv2.imdecode(code, cv2.IMREAD_COLOR)
    return replace(
        screen,
        pixels=pixels,
        mask=cv2.resize(screen.mask, (width, height), interpolation=cv2.INTER_NEAREST),
        roi=_scaled(screen.roi, factor),
        mm_per_px=screen.mm_per_px / factor,
        ruler=None,
        text_boxes=tuple(_scaled(box, factor) for box in screen.text_boxes),
    )


def _scaled(box: Roi, factor: float) -> Roi:
    left, top = round(box.x * factor), round(box.y * factor)
    right, bottom = round((box.x + box.width) * factor), round((box.y + box.height) * factor)
    return Roi(left, top, max(1, right - left), max(1, bottom - top))


def _banner(pen: Pen, console: Console, frame: PhantomFrame, index: int | None, at_s: float) -> None:
    em, width = pen.em, pen.pixels.shape[1]
    number = frame.subject.name.rpartition("-")[2]
    clock = EXAM_BEGAN + timedelta(seconds=int(at_s))
    pen.box((0, 0, width, 2 * em), console.bar)
    pen.write(f"PHANTOM {number}  ID {number}  {clock:%Y-%m-%d %H:%M:%S}", em, 0.6 * em)
    if index is not None:
        pen.write(f"F {index:05d}", width - em, 0.6 * em, anchor="right")


def _panel(pen: Pen, console: Console, frame: PhantomFrame, depth: str | None) -> None:
    """Logo, settings and the buttons of the menu, in a column at one side."""
    em, settings = pen.em, frame.settings
    height, width = pen.pixels.shape[:2]
    wide = console.panel_lines * em
    left = 0.0 if console.panel == "left" else width - wide
    pen.box((left, 2 * em, wide, height - 2 * em), console.bar)
    pen.box((left + 0.5 * em, 2.7 * em, wide - em, 2.2 * em), console.ink, hollow=True)
    pen.write(console.logo, left + wide / 2, 3.4 * em, anchor="middle")
    lines = (
        f"Wrist {frame.subject.side[0].upper()}",
        *([depth.format(cm=settings.depth_mm / 10, mm=settings.depth_mm)] if depth else []),
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


def _depth_below(pen: Pen, roi: Roi, mm_per_px: float, side: Side) -> None:
    """The depth in words below the ruler."""
    em = pen.em
    depth = f"{roi.height * mm_per_px / 10:.1f} cm"
    x, anchor = (
        (roi.x - round(0.4 * em), "right") if side == "left" else (roi.x + roi.width - 1 + round(0.4 * em), "left")
    )
    pen.write(depth, x, roi.y + roi.height + 0.8 * em, anchor=anchor, lines=0.9)


def _grey_bar(pen: Pen, roi: Roi, ruler: Side) -> None:
    """The grey map, white on top, at the side that the ruler leaves free."""
    em = pen.em
    width, height = round(0.8 * em), min(round(9 * em), roi.height)
    x = roi.x + roi.width + em if ruler == "left" else roi.x - em - width
    pen.pixels[roi.y : roi.y + height, x : x + width] = np.linspace(255, 0, height).astype(np.uint8)[:, None, None]
