"""What text is drawn with: font files whose licence allows to learn from them, Hershey's thin strokes, and the typeface
that OpenCV has drawn under Hershey's names since its version 5.

A font is a function: text and height in pixels -> the ink alone, (H, W), 0..255, with nothing round it.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from convert.errors import DataError
from edge.frame import Pixels

if TYPE_CHECKING:
    from HersheyFonts import HersheyFonts
    from PIL.ImageFont import FreeTypeFont

Draw: TypeAlias = Callable[
    [str, int, bool], Pixels | None
]  # text, height in px, smooth -> ink; None: not at this height

LICENCES: Mapping[str, str] = {
    "DejaVu Sans": "Bitstream Vera",
    "DejaVu Sans Mono": "Bitstream Vera",
    "DejaVu Serif": "Bitstream Vera",
    "STIXGeneral": "OFL-1.1",
    "cmr10": "AMS, free",
    "cmss10": "AMS, free",
    "cmtt10": "AMS, free",
    "Liberation Sans": "OFL-1.1",
    "Liberation Sans Narrow": "OFL-1.1",
    "Liberation Mono": "OFL-1.1",
    "Liberation Serif": "OFL-1.1",
    "B612": "OFL-1.1",
    "B612 Mono": "OFL-1.1",
    "Inconsolata": "OFL-1.1",
    "Lato": "OFL-1.1",
    "Lato Medium": "OFL-1.1",
    "Lato Semibold": "OFL-1.1",
    "Open Sans": "Apache-2.0",
    "Open Sans Condensed": "Apache-2.0",
    "Open Sans Semibold": "Apache-2.0",
    "Roboto": "Apache-2.0",
    "Roboto Condensed": "Apache-2.0",
    "Roboto Medium": "Apache-2.0",
    "Terminus (TTF)": "OFL-1.1",
    "Unifont-JP": "OFL-1.1",
    "Fixed": "public domain",
}
"""Families that training may use, and why. Others are passed over, those kept aside for the test among them."""

SEEN_LEAST = ("Italic", "Oblique", "Serif", "cm", "STIX")  # rare on screens
STROKES = {"rowmans": 3.0, "futuram": 1.5, "rowmand": 1.5, "timesr": 1.5, "rowmant": 0.5}  # Hershey's, and how often
CAPITAL = 21  # units of a Hershey glyph
SUBPIXEL_BITS = 4
OPENCV_FACES = {
    "simplex": cv2.FONT_HERSHEY_SIMPLEX,
    "plain": cv2.FONT_HERSHEY_PLAIN,
    "duplex": cv2.FONT_HERSHEY_DUPLEX,
    "complex small": cv2.FONT_HERSHEY_COMPLEX_SMALL,
}


@dataclass(frozen=True)
class Font:
    """One way to draw text. `wide` says that it has the glyphs of other scripts."""

    name: str
    draw: Draw
    licence: str
    sha256: str = ""
    weight: float = 1.0  # how often it is drawn with, against others
    wide: bool = False


def drawn_fonts() -> list[Font]:
    """Those that no file holds: Hershey's strokes, and what this OpenCV draws."""
    hershey = [
        Font(f"Hershey {name}", _strokes(name), "Hershey, free to use", weight=weight)
        for name, weight in STROKES.items()
    ]
    rubik = int(cv2.__version__.split(".")[0]) >= 5
    name, licence = ("Rubik by OpenCV", "OFL-1.1") if rubik else ("Hershey by OpenCV", "Hershey, free to use")
    return hershey + [Font(f"{name}, {face}", _by_opencv(number), licence) for face, number in OPENCV_FACES.items()]


def font_files(folders: Sequence[Path]) -> list[Font]:
    """The usable fonts in these folders, by name.

    Raises:
        DataError: there is none.
    """
    fonts = {font.name: font for folder in folders for font in _in(folder)}
    if not fonts:
        raise DataError(f"{', '.join(map(str, folders))}: no font of a known licence: give another --fonts folder")
    return [fonts[name] for name in sorted(fonts)]


def matplotlib_fonts() -> Path:
    """The fonts that come with matplotlib."""
    import matplotlib  # noqa: PLC0415  only who trains pays

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def drawn_by_file(path: Path) -> Draw:
    """A font file as a function; a bitmap font (.pcf.gz) draws at its own height alone."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415  Pillow comes with matplotlib

    opened: dict[int, FreeTypeFont | None] = {}

    def open_at(size: int) -> FreeTypeFont | None:
        if size not in opened:
            try:
                opened[size] = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
            except OSError:  # "invalid pixel size" of a bitmap font
                opened[size] = None
        return opened[size]

    def draw(text: str, height: int, smooth: bool) -> Pixels | None:
        # A font's size is its em; capitals are about 0.7 of it. Bitmaps come within 3 px of the height or not at all.
        wanted = round(height / 0.72)
        tries = (wanted,) if path.suffix != ".gz" else range(wanted - 2, wanted + 4)
        font = next((font for font in map(open_at, tries) if font is not None), None)
        if font is None:
            return None
        left, top, right, bottom = font.getbbox(text)
        sheet = Image.new("L", (round(right - left) + 8, round(bottom - top) + 8), 0)
        pen = ImageDraw.Draw(sheet)
        pen.fontmode = "L" if smooth else "1"
        pen.text((4 - left, 4 - top), text, fill=255, font=font)
        return tight(np.asarray(sheet))

    return draw


def tight(ink: Pixels) -> Pixels | None:
    """Without the empty rows and columns round it."""
    x, y, width, height = cv2.boundingRect((ink > 64).astype(np.uint8))
    return ink[y : y + height, x : x + width] if width and height else None


def _in(folder: Path) -> Iterator[Font]:
    from PIL import ImageFont  # noqa: PLC0415

    for path in sorted(path for suffix in ("*.ttf", "*.otf", "*.pcf.gz") for path in folder.rglob(suffix)):
        if path.suffix == ".gz":
            name, style, shape = "Fixed", path.name.removesuffix(".pcf.gz"), path.name
            if not re.fullmatch(r"\d+x\d+B?\.pcf\.gz", shape):
                continue  # other code pages, slanted, symbols
        else:
            name, style = ImageFont.truetype(str(path), 16).getname()
        if name not in LICENCES or any(word in style for word in ("Thin", "Hairline", "Light", "Black", "Heavy")):
            continue
        rare = any(word in f"{name} {style}" for word in SEEN_LEAST)
        told = hashlib.sha256(path.read_bytes()).hexdigest()
        weight = 0.25 if rare else 1.0
        wide = name in ("DejaVu Sans", "Unifont-JP")
        yield Font(f"{name} {style}", drawn_by_file(path), LICENCES[name], told, weight, wide)


def _strokes(name: str) -> Draw:
    @functools.cache
    def pen() -> HersheyFonts:
        from HersheyFonts import HersheyFonts  # noqa: PLC0415

        opened = HersheyFonts()
        opened.load_default_font(name)
        return opened

    def draw(text: str, height: int, smooth: bool) -> Pixels | None:
        glyphs = map(list, pen().strokes_for_text(text))
        thickness = max(1, round(height * _boldness(text)))
        strokes = [np.array(stroke) * ((height - thickness) / CAPITAL) for stroke in glyphs if stroke]
        if not strokes:
            return None
        every = np.concatenate(strokes)
        corner = every.min(axis=0) - height  # room for the thickness of the lines
        wide, high = np.ceil(every.max(axis=0) - corner + height).astype(int)
        sheet = np.zeros((high, wide), np.uint8)
        lines = [np.round((stroke - corner) * (1 << SUBPIXEL_BITS)).astype(np.int32) for stroke in strokes]
        cv2.polylines(sheet, lines, False, 255, thickness, cv2.LINE_AA if smooth else cv2.LINE_8, SUBPIXEL_BITS)
        return tight(sheet)

    return draw


def _by_opencv(face: int) -> Draw:
    def draw(text: str, height: int, smooth: bool) -> Pixels | None:
        (_, tall), _ = cv2.getTextSize("H0", face, 1.0, 1)
        scale = height / tall
        thickness = max(1, round(height * _boldness(text)))
        (wide, _), low = cv2.getTextSize(text, face, scale, thickness)
        sheet = np.zeros((2 * height + 2 * low + 12, wide + 24), np.uint8)
        line = cv2.LINE_AA if smooth else cv2.LINE_8
        cv2.putText(sheet, text, (12, height + low + 6), face, scale, 255, thickness, line)
        return tight(sheet)

    return draw


def _boldness(text: str) -> float:
    """Thickness of a line in heights, one of two, of which the text decides."""
    return 0.06 + 0.08 * (len(text) % 2)
