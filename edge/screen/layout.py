"""What a screen's layout is, and a cheap look at each frame that tells whether it still holds.

The look compares a few thousand pixels round the picture with those of the frame that was read. A screen is never quite
still: a clock runs, a cursor blinks, a gain is turned, compression moves every pixel a little. So what counts is how
much changed and where: much of the screen (a menu, another preset), a good part of a line of marks beside or below the
picture (its ruler at another depth), empty screen next to it (a picture that grew), or anything at all at an anchor, a
place from which a number was read. Within the picture one thing alone is looked for: much of it at one grey, as a
menu that opened over it has; tissue never has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from edge.findings import Outline
from edge.frame import Pixels, Roi
from edge.screen.outline import outline_of
from edge.screen.pixels_at import PixelsAt
from edge.screen.roi import DARK, Picture, find_pictures

STILL = 0.02  # share of a picture that moves: below it is noise, or a cursor
RIVAL = 0.5  # of the best picture's area: a picture that may be the one that is meant; a thumbnail is smaller

ACROSS, DOWN = 32, 18  # squares of the screen, 60 px at 1080p: three or four letters
INK = 48  # grey levels within 3 x 3 pixels: an edge of text, a tick, a button
MARKS, BARE = 24, 4  # pixels looked at in a square with ink, and in one without
MARK_MOVED = 48  # grey levels: at an edge compression alone makes 20
BARE_MOVED = 12  # grey levels: on flat screen it makes 4
MOVED_PIXELS = 2  # of a square: a tick on a ruler's long line has no more
MUCH = 0.16  # of the squares with ink: a menu, another preset
GROWN = 3  # squares of empty screen that are no longer empty
LINE, LINE_NEAR, LINE_SHARE = 3, 2, 0.34  # squares of one column beside the picture, or of one row below it: its ruler
VOUCHING = 12  # squares with ink: black, bars or a capture's own picture moves far more of them than MUCH
WITHIN = 24  # x 24 pixels of the picture
GREYS = slice(DARK // 4 + 1, 63)  # of 64: a black floor and saturation have one grey too
ONE_GREY = 0.12  # of the picture more than before, at one of 64 greys
JUDGED = 64  # sets of squares that were judged are remembered
AT_ONCE, PATIENCE = 30, (30, 900)  # frames, see `again`


@dataclass(frozen=True)
class Layout:
    """What is where on a screen."""

    shape: tuple[int, int]  # height and width of the screen
    picture: Picture | None
    outline: Outline | None  # of the picture within its box; None where it fills the box
    ambiguous: bool  # another picture may as well be the active one
    others: tuple[Picture, ...] = ()


def read_layout(screens: Sequence[Pixels], within: Roi | None = None) -> Layout:
    """The layout of grey screens (H, W): one for a still, several for a stream; `within` is where to look."""
    shape = screens[0].shape[0], screens[0].shape[1]
    place = within or Roi(0, 0, shape[1], shape[0])
    pictures = [_moved_by(picture, place) for picture in find_pictures([place.of(screen) for screen in screens])]
    if not pictures:
        return Layout(shape, None, None, ambiguous=False)
    best, *others = pictures
    alone = best.moving >= STILL and all(other.moving < STILL for other in others)
    rivals = [other for other in others if _area(other) >= RIVAL * _area(best)]
    return Layout(shape, best, outline_of(best), bool(rivals) and not alone, tuple(others))


def layout_at(screen: Pixels, roi: Roi, outline: Outline | None = None) -> Layout:
    """The layout of a screen whose picture is known to lie at `roi`; `outline` in pixels of that box."""
    picture = Picture(roi, np.ones((1, 1), np.uint8), moving=0.0)
    return Layout((screen.shape[0], screen.shape[1]), picture, outline, ambiguous=False)


class LayoutWatch:
    """Tells, frame by frame, whether the layout that was read still holds.

    `pixels` is the frame that was read, (H, W) or BGR (H, W, 3); `anchors` are the places of the screen whose content
    was used (ticks, labels, a depth in words): there no change is tolerated.
    """

    def __init__(self, pixels: Pixels, layout: Layout, anchors: Iterable[Roi] = ()) -> None:
        self._layout, self._shape = layout, pixels.shape
        self._squares = squares = _squares(pixels, layout, tuple(anchors))
        ys, xs = _grid(layout)
        self._looked_at = PixelsAt(np.concatenate([squares.ys, ys]), np.concatenate([squares.xs, xs]))
        self._was, within = self._seen(pixels)
        self._most_greys = _greys(within) + ONE_GREY
        self._limits = np.repeat(np.where(squares.ink, MARK_MOVED, BARE_MOVED), squares.counts).astype(np.uint8)
        self._square_of = np.repeat(np.arange(len(squares.counts)), squares.counts)
        self._restless = np.zeros(len(squares.counts), bool)
        self._judged: dict[bytes, bool] = {}  # whether it mattered when these squares had moved
        self._vouching = np.count_nonzero(squares.ink)
        self._frames = self._patience = 0

    def holds(self, pixels: Pixels) -> bool:
        """Whether the layout is still the one that was read; call it once a frame."""
        if pixels.shape != self._shape:
            return False
        self._frames += 1
        around, within = self._seen(pixels)
        if (_greys(within) > self._most_greys).any():
            return False
        moved = self._moved(around)
        if self._frames <= self._patience:
            moved &= ~self._restless
        return not self._matters(moved)

    @property
    def vouches(self) -> bool:
        """Whether a layout that holds is proof of a screen that still shows what it showed: enough ink is watched."""
        return bool(self._vouching >= VOUCHING)

    def again(self, pixels: Pixels, layout: Layout, anchors: Iterable[Roi] = ()) -> LayoutWatch:
        """The watch for a layout that was read anew because this one no longer held at `pixels`.

        Where something never rests (a trace that runs below the picture), reading anew at each frame would help
        nobody: squares that change as soon as they are watched are left alone for a while, each time twice as long.
        Anchors are not.
        """
        new = LayoutWatch(pixels, layout, anchors)
        at_once = pixels.shape == self._shape and self._frames - self._patience <= AT_ONCE
        if at_once and np.array_equal(new._squares.places, self._squares.places):
            most = PATIENCE[0] if layout.picture is None else PATIENCE[1]  # a picture must not be missed for long
            new._patience = min(most, max(PATIENCE[0], 2 * self._patience))
            new._restless = (self._restless | self._moved(self._seen(pixels)[0])) & ~new._squares.anchor
            new._vouching = np.count_nonzero(new._squares.ink & ~new._restless)
        return new

    def _matters(self, moved: npt.NDArray[np.bool_]) -> bool:
        which = moved.tobytes()
        if which not in self._judged:  # a clock moves the same few squares over and over
            if len(self._judged) >= JUDGED:
                self._judged.clear()
            self._judged[which] = self._squares.matters(moved)
        return self._judged[which]

    def _moved(self, around: Pixels) -> npt.NDArray[np.bool_]:
        changed = np.flatnonzero(np.maximum(around, self._was) - np.minimum(around, self._was) > self._limits)
        return np.bincount(self._square_of[changed], minlength=len(self._restless)) >= MOVED_PIXELS

    def _seen(self, pixels: Pixels) -> tuple[Pixels, Pixels]:
        """The pixels looked at: those round the picture, square by square, and those within it."""
        seen, around = self._looked_at.of(pixels), len(self._squares.ys)
        return seen[:around], seen[around:]


@dataclass(frozen=True)
class _Squares:
    """The squares of a screen that are looked at, and the pixels in each."""

    ys: npt.NDArray[np.intp]  # of the pixels, square by square
    xs: npt.NDArray[np.intp]
    counts: npt.NDArray[np.intp]  # pixels a square
    places: npt.NDArray[np.intp]  # (squares, 2): row and column of each; -1, number for an anchor
    ink: npt.NDArray[np.bool_]
    anchor: npt.NDArray[np.bool_]
    beside: npt.NDArray[np.bool_]  # the picture, in its rows
    below: npt.NDArray[np.bool_]  # the picture, in its columns
    near: npt.NDArray[np.bool_]  # touches the picture

    def matters(self, moved: npt.NDArray[np.bool_]) -> bool:
        """Whether the layout is another when these squares have moved."""
        where = np.flatnonzero(moved)
        if not where.size:
            return False
        if self.anchor[where].any():
            return True
        ink, bare = where[self.ink[where]], where[~self.ink[where]]
        if len(ink) > max(LINE, MUCH * self._inked):
            return True
        if np.count_nonzero(self.near[bare]) >= GROWN:
            return True
        return any(line.gone(ink) for line in self._lines)

    @cached_property
    def _inked(self) -> int:
        return int(np.count_nonzero(self.ink & ~self.anchor))

    @cached_property
    def _lines(self) -> list[_Lines]:
        """Columns of squares beside the picture and rows of them below it, those next to it and all."""
        return [
            _Lines.of(self.ink & ~self.anchor & part & where, self.places[:, axis], least)
            for part, axis in ((self.beside, 1), (self.below, 0))
            for where, least in ((self.near, LINE_NEAR), (np.True_, LINE))
        ]


@dataclass(frozen=True)
class _Lines:
    """Columns, or rows, of squares."""

    among: npt.NDArray[np.bool_]  # (squares,)
    number: npt.NDArray[np.intp]  # (squares,): of the column or row that a square belongs to; -1 for an anchor
    enough: npt.NDArray[np.float64]  # moved squares of one line that make it another

    @classmethod
    def of(cls, among: npt.NDArray[np.bool_], number: npt.NDArray[np.intp], least: int) -> _Lines:
        there = np.bincount(number[among])
        return cls(among, number, np.maximum(least, LINE_SHARE * there))

    def gone(self, moved: npt.NDArray[np.intp]) -> bool:
        """Whether a good part of one line is among the squares that have moved, given by their index."""
        gone = np.bincount(self.number[moved[self.among[moved]]], minlength=len(self.enough))
        return bool(np.any(gone >= self.enough))


def _squares(pixels: Pixels, layout: Layout, anchors: Sequence[Roi]) -> _Squares:
    height, width = pixels.shape[:2]
    grey = pixels if pixels.ndim == 2 else cv2.extractChannel(pixels, 1)
    steps = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    ink, free = (steps >= INK).astype(np.uint8), np.ones(steps.shape, np.uint8)
    for picture in (layout.picture, *layout.others):
        if picture is not None:
            roi = picture.roi
            free[max(0, roi.y - 2) : roi.y + roi.height + 2, max(0, roi.x - 2) : roi.x + roi.width + 2] = 0
    ink &= free
    rows, columns = np.linspace(0, height, DOWN + 1).astype(int), np.linspace(0, width, ACROSS + 1).astype(int)
    boxes = [
        (row, column, Roi(columns[column], rows[row], columns[column + 1] - columns[column], rows[row + 1] - rows[row]))
        for row in range(DOWN)
        for column in range(ACROSS)
        if columns[column + 1] > columns[column] and rows[row + 1] > rows[row]
    ]
    boxes += [(-1, number, roi) for number, roi in enumerate(anchors)]
    ys, xs, found = [np.empty(0, np.intp)], [np.empty(0, np.intp)], []
    for row, column, box in boxes:
        chosen = _spread(box.of(ink), MARKS)
        has_ink = len(chosen) >= MOVED_PIXELS
        if not has_ink:
            chosen = _spread(box.of(free), BARE)
        if len(chosen) < MOVED_PIXELS:
            continue
        ys.append(box.y + chosen // box.width)
        xs.append(box.x + chosen % box.width)
        found.append((row, column, len(chosen), has_ink, *_where(box, layout.picture)))
    table = np.array(found, dtype=np.intp).reshape(-1, 7)
    return _Squares(
        np.concatenate(ys),
        np.concatenate(xs),
        table[:, 2],
        table[:, :2],
        table[:, 3] > 0,
        table[:, 0] < 0,
        table[:, 4] > 0,
        table[:, 5] > 0,
        table[:, 6] > 0,
    )


def _where(box: Roi, picture: Picture | None) -> tuple[bool, bool, bool]:
    """Whether a square lies beside the picture, below it, and next to it; without one, a picture may come anywhere."""
    if picture is None:
        return False, False, True
    roi = picture.roi
    aside = max(roi.x - box.x, box.x + box.width - roi.x - roi.width)
    lower = box.y + box.height - roi.y - roi.height
    endways = max(roi.y - box.y, lower)
    return (
        aside > 0 and endways < 2 * box.height,
        lower > 0 and aside < 2 * box.width,
        aside < 2.5 * box.width and endways < 2.5 * box.height,
    )


def _spread(part: Pixels, most: int) -> npt.NDArray[np.intp]:
    """At most so many of the places that are set in a part, as flat indices, evenly spread."""
    count = cv2.countNonZero(part)
    chosen = np.arange(count) if count <= most else np.arange(most) * (count - 1) // (most - 1)
    return chosen if count in (0, part.size) else np.flatnonzero(part)[chosen]


def _grid(layout: Layout) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The rows and columns of the pixels that are looked at within the picture."""
    if layout.picture is None:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    roi = layout.picture.roi
    ys = np.arange(roi.y, roi.y + roi.height, max(1, roi.height // WITHIN))
    xs = np.arange(roi.x, roi.x + roi.width, max(1, roi.width // WITHIN))
    return np.repeat(ys, len(xs)), np.tile(xs, len(ys))


def _greys(within: Pixels) -> npt.NDArray[np.float64]:
    """Shares of pixels of the picture at each of the greys that a menu may have."""
    return np.bincount(within >> 2, minlength=64)[GREYS] / max(1, within.size)


def _area(picture: Picture) -> int:
    return picture.roi.width * picture.roi.height


def _moved_by(picture: Picture, place: Roi) -> Picture:
    roi = picture.roi
    return replace(picture, roi=Roi(roi.x + place.x, roi.y + place.y, roi.width, roi.height))
