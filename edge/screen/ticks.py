"""Rows of tick marks along a picture: where they are, and how far apart to a thousandth.

What all rulers have in common is all that is used: short marks of one direction, at one even distance, along most of
the picture. Side, ink, thickness, length, ranks, and whether a line joins them differ from machine to machine. Marks
are looked for across the ruler's own line: there a tick is thin whatever it hangs on, and the line itself, bars,
buttons and stems of letters are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Pixels, Roi
from edge.screen.even_row import LEAST_MARKS, EvenRow, even_row

Axis = Literal["down", "across"]
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

INK = 24  # grey levels above what lies beside it: a codec's ringing round text stays below
THICKEST = 1 / 120  # of the screen's height, a tick; 4 px were seen on 600 rows
LEAST_THICKEST = 5  # px
CLOSEST = 5  # px between ticks: closer ones a person could not count
LEAST_SPAN = 0.8  # of the picture that ticks and one distance more cover: a list of settings or a toolbar need not
FARTHEST = 0.65  # of the picture, from tick to tick: three of them lie along it, a little beyond its ends at most
MARGIN = 0.1  # of the picture, how far inside its box a ruler may lie: the corners beside a sector are free
SHORTEST = 2  # px: a single one is a speckle
LONGEST = 0.08  # of the picture: a longer mark is a grid or a table
MOSTLY = 0.75  # of the ticks of the lowest rank are alike; the rest touch letters and focus marks
LENGTHS_ALIKE = 0.2  # of the usual length, how far most ticks of the lowest rank may lie from it
STRENGTHS_ALIKE = 0.35  # of the usual ink: a scaler spreads it over one more line
UNEVEN = 0.015  # of the period, its uncertainty: what is less even was not drawn as a ruler
LONGER, LONGER_PX = 1.2, 1.5  # times, and by as many px: ticks of a higher rank against those below
STRONGER = 1.4  # times the ink, where they are as long
RANKS = (2, 4, 5, 10)  # every so many ticks a higher one
ROWS = 64  # are looked at once for their strongest colour: their planes stay in the core's own memory


@dataclass(frozen=True)
class Rank:
    """Every `every`-th tick is longer or stronger than those between; the first of them is tick `offset`."""

    every: int
    offset: int


@dataclass(frozen=True)
class Ticks:
    """One row of ticks. Tick n lies at `first + n * period`, n = 0 .. count - 1, in px of the screen.

    axis         the way along which they follow each other
    at           where the row lies the other way: a column when `axis` is down, a row when it is across
    period       px, fitted to all ticks
    uncertainty  share of the period, 0..1: three standard errors of the fit
    count        places from the first tick to the last; some between may be hidden
    ranks        which are longer or stronger; empty when all are alike
    """

    axis: Axis
    at: float
    first: float
    period: float
    uncertainty: float
    count: int
    ranks: tuple[Rank, ...] = ()

    @property
    def last(self) -> float:
        return self.first + (self.count - 1) * self.period


def find_ticks(screen: Pixels, picture: Roi) -> tuple[Ticks, ...]:
    """The rows of ticks beside, above, below and at the edge of `picture` on a whole screen, grey or BGR.

    They run along most of it, and on where they do: of a picture whose depths are dark, the box may be a part alone.
    Of rows that divide one ruler, the finest. Grids, text and toolbars are no rows.
    """
    height, width = screen.shape[:2]
    thickest = max(LEAST_THICKEST, round(height * THICKEST))
    strongest = _strongest(screen)
    rows: list[Ticks] = []
    for start, stop in _beside(picture.x, picture.width, width):
        plane = np.ascontiguousarray(_ink(screen[:, start:stop], strongest[:, start:stop]).T)
        rows += _rows(plane, "down", start, picture.height, thickest)
    for start, stop in _beside(picture.y, picture.height, height):
        rows += _rows(_ink(screen[start:stop], strongest[start:stop]), "across", start, picture.width, thickest)
    return tuple(_finest(rows))


def _beside(start: int, size: int, limit: int) -> Iterator[tuple[int, int]]:
    margin = round(MARGIN * size)
    for begin, end in ((0, start + margin), (start + size - margin, limit)):
        if end - begin > 0:
            yield begin, end


def _strongest(screen: Pixels) -> Pixels:
    """(H, W), each pixel's strongest colour."""
    if screen.ndim == 2:
        return screen
    strongest: Pixels = np.empty(screen.shape[:2], np.uint8)
    for top in range(0, len(screen), ROWS):
        blue, green, red = cv2.split(screen[top : top + ROWS])
        cv2.max(cv2.max(blue, green), red, dst=strongest[top : top + ROWS])
    return strongest


def _ink(part: Pixels, strongest: Pixels) -> Pixels:
    """(H, W), bright where ink is: on a dark screen the strongest colour, on a bright one what is missing of it."""
    if _is_dark(strongest):
        return strongest
    return 255 - (part if part.ndim == 2 else part.min(axis=2))


def _is_dark(plane: Pixels) -> bool:
    return bool(np.median(plane[::8, ::8]) < 128)


def _rows(plane: Pixels, axis: Axis, start: int, extent: int, thickest: int) -> Iterator[Ticks]:
    """The rows of ticks that follow each other along the lines of `plane`, the first of which is `start`."""
    marks, relief = _marks(plane, thickest)
    for lines, period in _even_lines(marks, extent):
        places, strengths = _places(marks[lines], relief[lines])
        row = even_row(places, period)
        if row is None or row.uncertainty > UNEVEN or row.count * row.period < LEAST_SPAN * extent:
            continue
        lengths = _lengths(marks, int(lines[len(lines) // 2]), row, round(LONGEST * extent))
        strengths = strengths[row.used]
        ranks = _ranks(row.seen, lengths, LONGER, LONGER_PX) or _ranks(row.seen, strengths, STRONGER, 0.0)
        lowest = _of_no_rank(row.seen, ranks)
        if (
            SHORTEST <= np.median(lengths[lowest]) <= LONGEST * extent
            and _alike(lengths[lowest], LENGTHS_ALIKE, SHORTEST / 2)
            and _alike(strengths[lowest], STRENGTHS_ALIKE, 0.0)
        ):
            at = start + float(np.mean(lines))
            yield Ticks(axis, at, row.first, row.period, row.uncertainty, row.count, ranks)


def _marks(plane: Pixels, thickest: int) -> tuple[Pixels, Pixels]:
    """(1 where there is ink of at most this thickness along the lines, 0 elsewhere; its grey levels)."""
    whole = cv2.morphologyEx(plane, cv2.MORPH_CLOSE, np.ones((1, 3), np.uint8))  # rings and interlaced marks are one
    relief = cv2.morphologyEx(whole, cv2.MORPH_TOPHAT, np.ones((1, thickest + 1), np.uint8))
    return cv2.threshold(relief, INK, 1, cv2.THRESH_BINARY)[1], relief  # type: ignore[return-value]


def _even_lines(marks: Pixels, extent: int) -> Iterator[tuple[Ints, float]]:
    """Neighbouring lines whose marks mostly follow each other at one distance, with that distance in px."""
    line, start, end = _runs(marks)
    counts = np.bincount(line, minlength=len(marks))
    busy = (counts >= LEAST_MARKS) & (counts <= 2 * extent / CLOSEST)
    widest = round(FARTHEST * extent) + 2
    step = np.diff(start + end) // 2
    pair = (line[1:] == line[:-1]) & busy[line[1:]] & (step >= CLOSEST) & (step < widest)
    each = line[1:][pair] * (widest + 1) + step[pair]
    near = each[:, None] + np.array([-1, 0, 1])  # a distance that is no whole number falls into two
    places, alike = np.unique(near, return_counts=True)
    of, distance = np.divmod(places, widest + 1)
    covered = alike * distance
    covered[(alike < LEAST_MARKS - 1) | (distance > widest - 2)] = 0
    order = np.lexsort((distance, -covered, of))
    best = order[np.unique(of[order], return_index=True)[1]]
    good = best[covered[best] >= LEAST_SPAN * extent / 2]
    lines, periods = of[good], distance[good].astype(float)
    cuts = np.flatnonzero((np.diff(lines) > 1) | (np.abs(np.diff(periods)) > 1)) + 1
    for group, period in zip(np.split(lines, cuts), np.split(periods, cuts), strict=True):
        if len(group) >= SHORTEST:
            yield group, float(np.median(period))


def _runs(marks: Pixels) -> tuple[Ints, Ints, Ints]:
    """Line, start and end (one past the last) of every run of ink, line by line."""
    walled = cv2.copyMakeBorder(marks, 0, 0, 1, 1, cv2.BORDER_CONSTANT, value=0)
    flat = walled.ravel()
    turns = np.flatnonzero(flat[1:] != flat[:-1])
    starts, ends = turns[::2], turns[1::2]
    wide = walled.shape[1]
    return starts // wide, starts % wide, ends % wide


def _places(marks: Pixels, relief: Pixels) -> tuple[Floats, Floats]:
    """Of the marks that most of these lines share: their centres of ink, in px between the whole ones, and how much."""
    shared = (2 * marks.sum(axis=0, dtype=np.int64) >= len(marks)).astype(np.uint8)[None]
    strength = np.concatenate(([0.0], relief.sum(axis=0, dtype=np.float64), [0.0]))  # place x lies at x + 1
    places, strengths = [], []
    for start, end in zip(*_runs(shared)[1:], strict=True):
        around = strength[start : end + 2]  # the soft edge of a scaled tick lies below the limit
        strengths.append(float(around.sum()))
        places.append(float((around * np.arange(start - 1, end + 1)).sum() / strengths[-1]))
    return np.array(places), np.array(strengths)


def _lengths(marks: Pixels, line: int, row: EvenRow, most: int) -> Floats:
    """How many lines each seen tick crosses without a gap, counted from `line`, at most `most` either way."""
    lengths = []
    for place in np.round(row.first + row.seen * row.period).astype(int):
        ink = marks[:, max(0, place - 1) : place + 2].max(axis=1) > 0
        below, above = ink[line::-1][:most], ink[line:][:most]
        lengths.append(sum(len(way) if way.all() else int(way.argmin()) for way in (below, above)) - 1)
    return np.array(lengths, float)


def _ranks(seen: Ints, sizes: Floats, times: float, by: float) -> tuple[Rank, ...]:
    """Each k for which every k-th tick is larger than all kinds of ticks between."""
    ranks = []
    for every in RANKS:
        if int(seen.max()) < every:
            continue
        kinds = [sizes[seen % every == offset] for offset in range(every)]
        typical = np.array([np.median(kind) if len(kind) else np.inf for kind in kinds])
        offset = int(typical.argmax())
        others = np.delete(typical, offset)
        largest = kinds[offset]
        if (
            np.isfinite(typical).all()
            and 1 < len(largest) < len(seen) - 1
            and np.quantile(largest, 0.2) >= max(times * others.max(), others.max() + by)
        ):
            ranks.append(Rank(every, offset))
    return tuple(ranks)


def _of_no_rank(seen: Ints, ranks: tuple[Rank, ...]) -> npt.NDArray[np.bool_]:
    """Which of the ticks belong to none of the ranks."""
    lowest = np.ones(len(seen), bool)
    for rank in ranks:
        lowest &= seen % rank.every != rank.offset
    return lowest


def _alike(values: Floats, share: float, least: float) -> bool:
    """Whether most are nearly equal, as those of a ruler's ticks are and of strokes of letters or of tissue are not."""
    usual = float(np.median(values))
    return int(np.count_nonzero(np.abs(values - usual) <= max(least, share * usual))) >= MOSTLY * len(values)


def _finest(rows: list[Ticks]) -> Iterator[Ticks]:
    """Without rows that are a part of another: its longer ticks, its labels, or the same ticks once more."""
    kept: list[Ticks] = []
    for row in sorted(rows, key=lambda row: (-row.count, row.uncertainty)):
        if not any(_part_of(row, other) for other in kept):
            kept.append(row)
            yield row


def _part_of(row: Ticks, other: Ticks) -> bool:
    times = row.period / other.period
    near = row.axis == other.axis and abs(row.at - other.at) <= LONGEST * other.count * other.period
    return near and abs(times - round(times)) * row.count < 0.5
