"""What machines and examiners burn into a picture: words, a ruler's ticks, focus marks, a logo, calipers, guides.

A network that has seen them at random places takes none of them for a nerve, nor for a sign of one.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from convert.training.grey import Layer
from edge.frame import Mask, Pixels

Vector = npt.NDArray[np.float64]  # x, y in pixels
Draw = Callable[[Pixels, float, np.random.Generator], None]  # on the picture itself; unit: a letter's height in px

WORDS = ("DX", "SN", "L", "R", "RT WRIST", "LT", "MEDIAN N", "CT INLET", "MI 0.7", "TIS 0.2", "12.0 MHz", "FR 38",
         "G 54", "DR 66", "2.5 cm", "D 3.0", "0.31 cm2", "14:07:52", "B", "x1.2", "Res/Gen", "TRANS")  # fmt: skip
_FRACTION_BITS = 3  # OpenCV takes points in eighths of a pixel
_LETTER_SHARE = 0.035  # of the picture's side: a machine's letter on a 38 mm picture


def overlay(most: int, size: float = 1.0) -> Layer:
    """One to `most` marks of kinds drawn at random, letters `size` times as large as on a whole picture."""

    def draw(picture: Pixels, mask: Mask, rng: np.random.Generator) -> tuple[Pixels, Mask]:
        changed = picture.copy()
        unit = size * _LETTER_SHARE * picture.shape[0] * rng.uniform(0.8, 1.4)
        kinds = list(MARKS.values())
        for kind in rng.choice(len(kinds), size=rng.integers(1, most + 1), replace=False):
            kinds[kind](changed, unit, rng)
        return changed, mask

    return draw


def word(picture: Pixels, unit: float, rng: np.random.Generator) -> None:
    """One or two lines of letters, mostly near an edge."""
    height, width = picture.shape
    font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX]))
    zoom = unit / cv2.getTextSize("X", font, 1.0, 1)[0][1]
    x, y = rng.uniform(0, 0.8) * width, rng.beta(0.4, 0.4) * (height - 2 * unit) + unit
    grey = _bright(rng)
    for line in range(rng.integers(1, 3)):
        at = round(x), round(y + 1.6 * unit * line)
        cv2.putText(picture, str(rng.choice(WORDS)), at, font, zoom, grey, 1, cv2.LINE_AA)


def ruler(picture: Pixels, unit: float, rng: np.random.Generator) -> None:
    """Ticks or dots at even distances along one side, each fifth longer."""
    height, width = picture.shape
    right = rng.random() < 0.7
    x = (width - 1 - rng.uniform(0, unit)) if right else rng.uniform(0, unit)
    inward = -1 if right else 1
    step, grey, dots = rng.uniform(0.6, 2.5) * unit, _bright(rng), rng.random() < 0.3
    for number, y in enumerate(np.arange(rng.uniform(0, step), height, step)):
        length = 0.9 if dots else unit * (0.6 if number % 5 == 0 else 0.25)
        _line(picture, (x, y), (x + inward * length, y), grey)


def focus(picture: Pixels, unit: float, rng: np.random.Generator) -> None:
    """One or two carets beside the picture, pointing at the focus's depth."""
    height, width = picture.shape
    right = rng.random() < 0.8
    tip = width - 1 - rng.uniform(0.8, 2) * unit if right else rng.uniform(0.8, 2) * unit
    side, grey = (1 if right else -1) * unit * rng.uniform(0.4, 0.8), _bright(rng)
    for y in rng.uniform(0.05, 0.9, rng.integers(1, 3)) * height:
        corners = [(tip, y), (tip + side, y - abs(side) / 2), (tip + side, y + abs(side) / 2)]
        cv2.fillPoly(picture, [_fixed(corners)], grey, cv2.LINE_AA, _FRACTION_BITS)


def logo(picture: Pixels, unit: float, rng: np.random.Generator) -> None:
    """A maker's or an orientation mark at a corner above."""
    width = picture.shape[1]
    side, grey = unit * rng.uniform(1.0, 1.8), _bright(rng)
    left = 0.3 * side if rng.random() < 0.7 else width - 1.3 * side
    above = rng.uniform(0.1, 1) * side
    if rng.random() < 0.5:
        middle = _fixed([(left + side / 2, above + side / 2)])[0].tolist()
        radius = round(side / 2 * 2**_FRACTION_BITS)
        cv2.circle(picture, middle, radius, grey, 1, cv2.LINE_AA, _FRACTION_BITS)
        cv2.circle(picture, middle, radius // 3, grey, -1, cv2.LINE_AA, _FRACTION_BITS)
    else:
        picture[round(above) : round(above + side), round(max(left, 0)) : round(left + side / 2)] = grey


def calipers(picture: Pixels, unit: float, rng: np.random.Generator) -> None:
    """Two crosses anywhere, most often with a dotted line between them."""
    height, width = picture.shape
    middle = rng.uniform(0.1, 0.9, 2) * (width, height)
    half = rng.uniform(0.5, 4) * unit * np.array([np.cos(angle := rng.uniform(0, np.pi)), np.sin(angle)])
    grey, arm = _bright(rng), 0.35 * unit
    ends = middle - half, middle + half
    for x, y in ends:
        _line(picture, (x - arm, y), (x + arm, y), grey)
        _line(picture, (x, y - arm), (x, y + arm), grey)
    if rng.random() < 0.7:
        _dotted(picture, *ends, 0.35 * unit, grey)


def outline(picture: Pixels, unit: float, rng: np.random.Generator) -> None:
    """An ellipse of dots anywhere, as the area measurement draws it."""
    height, width = picture.shape
    middle, axes = rng.uniform(0.15, 0.85, 2) * (width, height), unit * rng.uniform((1.2, 0.6), (4, 1.8))
    turn, grey = rng.uniform(-0.3, 0.3), _bright(rng)
    around = np.arange(0, 2 * np.pi, 0.4 * unit / axes.mean())
    x, y = axes[0] * np.cos(around), axes[1] * np.sin(around)
    for dx, dy in zip(np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y, strict=True):
        _dot(picture, (middle[0] + dx, middle[1] + dy), grey)


def guide(picture: Pixels, unit: float, rng: np.random.Generator) -> None:
    """A dotted line down the picture, upright or slanted: the midline, or a needle's way."""
    height, width = picture.shape
    x = rng.uniform(0.2, 0.8) * width
    lean = 0.0 if rng.random() < 0.6 else rng.uniform(-0.5, 0.5) * width
    _dotted(picture, np.array([x, 0.0]), np.array([x + lean, height - 1.0]), rng.uniform(0.5, 1.2) * unit, _bright(rng))


MARKS: dict[str, Draw] = {
    "word": word, "ruler": ruler, "focus": focus, "logo": logo,
    "calipers": calipers, "outline": outline, "guide": guide,
}  # fmt: skip


def _bright(rng: np.random.Generator) -> int:
    return int(rng.integers(130, 256))


def _fixed(points: list[tuple[float, float]]) -> npt.NDArray[np.int32]:
    return np.array(np.round(np.array(points) * 2**_FRACTION_BITS), np.int32)


def _line(picture: Pixels, start: tuple[float, float], end: tuple[float, float], grey: int) -> None:
    ends = _fixed([start, end]).tolist()
    cv2.line(picture, ends[0], ends[1], grey, 1, cv2.LINE_AA, _FRACTION_BITS)


def _dot(picture: Pixels, at: tuple[float, float], grey: int) -> None:
    _line(picture, at, (at[0] + 0.9, at[1]), grey)  # a line without length is not drawn


def _dotted(picture: Pixels, start: Vector, end: Vector, gap: float, grey: int) -> None:
    for share in np.arange(0, 1, gap / max(float(np.hypot(*(end - start))), gap)):
        x, y = start + share * (end - start)
        _dot(picture, (x, y), grey)
