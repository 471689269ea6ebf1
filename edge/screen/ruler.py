"""The ruler on a screen: its ticks and the words about it -> a claim on the spacing.

One ruler says how long a pixel is in its own direction. That pixels are square is taken on trust where no second
ruler shows it: a capture that was stretched from 4:3 to 16:9 and has one ruler alone cannot be told from a square one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2

from edge.frame import UNKNOWN_SPACING, Pixels, Roi, Spacing
from edge.screen.spacing import SpacingConflict
from edge.screen.text import TextLine, read_text
from edge.screen.tick_length import LENGTHS_MM, is_length, tick_length
from edge.screen.ticks import Ticks, find_ticks

SURE_TICKS = 6  # in a row that counts without words of its own
SQUARE = 0.01  # two rulers of one picture agree within this share
NOT_A_RULER = 0.1  # ticks that no length fits within this share are something else, not a second opinion
LONG_ROW = 10  # ticks in a row that is a ruler, whatever it says
AS_DRAWN = 0.005  # uncertainty at least: machines round the scale that they draw by; 0.4 % off was seen
STRIP = 1 / 14  # of the screen's height, the strip on either side of a row in which its labels are read
TICK = 3  # px on either side of a row that its ticks cover
CUT = 2  # px from the edge of a part, text that may go on beyond it


@dataclass(frozen=True)
class RulerReading:
    """What the rulers beside a picture say, and the places of the screen that say it: none where nothing is said."""

    claim: Spacing | SpacingConflict
    places: tuple[Roi, ...] = ()


def read_ruler(screen: Pixels, picture: Roi) -> RulerReading:
    """The spacing that the ruler beside `picture` shows on a whole screen, grey or BGR.

    `UNKNOWN_SPACING` where there is no ruler or where its ticks could be of two lengths; a conflict where two rulers
    of the picture differ: its pixels are not square, or one is not what it seems.
    """
    rows = find_ticks(screen, picture)
    if not rows:
        return RulerReading(UNKNOWN_SPACING)
    lines = [line for row in rows for line in _read(screen, _strip(screen, row))]
    claim = spacing_of(rows, lines, picture)
    if claim is UNKNOWN_SPACING:
        lines += [line for part in _round(screen, picture) for line in _read(screen, part)]
        claim = spacing_of(rows, lines, picture)
    if claim is UNKNOWN_SPACING:
        return RulerReading(UNKNOWN_SPACING)
    return RulerReading(claim, (*(_ticked(row) for row in rows), *(line.box for line in lines if is_length(line.text))))


def spacing_of(rows: Sequence[Ticks], lines: Sequence[TextLine], picture: Roi) -> Spacing | SpacingConflict:
    """What rows of ticks and the words on the screen say together; a line that was read twice counts once."""
    claims, silent = [], []
    for row in rows:
        length = tick_length(row, lines, picture)
        if length is None:
            silent.append(row)
        else:
            claims.append(_claim(length, row))
    if not claims:
        return UNKNOWN_SPACING
    best = min(claims, key=lambda claim: claim.uncertainty)
    for row in (row for row in silent if row.count >= SURE_TICKS):
        mm = row.period * (best.mm_per_px or 0.0)
        nearest = min(LENGTHS_MM, key=lambda length: abs(mm / length - 1))
        if abs(mm / nearest - 1) <= NOT_A_RULER:
            claims.append(_claim(nearest, row))
        elif row.count >= LONG_ROW:
            claims += [_claim(length, row) for length in LENGTHS_MM if _stretched(mm / length)]
    seen = [claim.mm_per_px or 0.0 for claim in claims]
    return best if max(seen) <= (1 + SQUARE) * min(seen) else SpacingConflict(tuple(claims))


def _stretched(ratio: float) -> bool:
    """Whether a pixel's sides differ as where a 4:3 screen fills a 16:9 one, or the other way round."""
    return any(abs(ratio / stretch - 1) <= SQUARE for stretch in (3 / 4, 4 / 3))


def _claim(length: float, row: Ticks) -> Spacing:
    return Spacing(length / row.period, "ruler", max(row.uncertainty, AS_DRAWN))


def _read(screen: Pixels, part: Roi) -> Iterator[TextLine]:
    """The text in one part, its boxes in pixels of the screen; not what the part's edge may have cut in two."""
    pixels = part.of(screen)
    grey: Pixels = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)  # type: ignore[assignment]
    height, width = screen.shape[:2]
    for line in read_text(grey):
        box = replace(line.box, x=line.box.x + part.x, y=line.box.y + part.y)
        inside = _clear(box.x, box.width, part.x, part.width, width)
        if inside and _clear(box.y, box.height, part.y, part.height, height):
            yield replace(line, box=box)


def _clear(start: int, size: int, part: int, long: int, limit: int) -> bool:
    """Whether a stretch of text stays off the ends of its part that are not the screen's own."""
    return (part == 0 or start > part + CUT) and (part + long == limit or start + size < part + long - CUT)


def _ticked(row: Ticks) -> Roi:
    """Where the ticks of a row stand, a little beyond the first and the last."""
    along, across = round(row.first) - TICK, max(0, round(row.at) - TICK)
    long = round(row.last) - along + 2 * TICK
    return (
        Roi(across, max(0, along), 2 * TICK, long) if row.axis == "down" else Roi(max(0, along), across, long, 2 * TICK)
    )


def _strip(screen: Pixels, row: Ticks) -> Roi:
    """Where the labels of a row stand."""
    height, width = screen.shape[:2]
    side, end = STRIP * height, row.period
    x, y = (row.at - side, row.first - end) if row.axis == "down" else (row.first - end, row.at - side)
    right, bottom = (row.at + side, row.last + end) if row.axis == "down" else (row.last + end, row.at + side)
    left, top = max(0, round(x)), max(0, round(y))
    return Roi(left, top, min(width, round(right)) - left, min(height, round(bottom)) - top)


def _round(screen: Pixels, picture: Roi) -> Iterator[Roi]:
    """The screen round the picture: left, right, above and below it."""
    height, width = screen.shape[:2]
    right, bottom = picture.x + picture.width, picture.y + picture.height
    for x, y, wide, high in (
        (0, 0, picture.x, height),
        (right, 0, width - right, height),
        (picture.x, 0, picture.width, picture.y),
        (picture.x, bottom, picture.width, height - bottom),
    ):
        if wide > 0 and high > 0:
            yield Roi(x, y, wide, high)
