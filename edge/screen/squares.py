"""The squares of a screen that a layout is watched by: where text and marks are some of their pixels, elsewhere a few.

Whether it matters that squares have moved follows from where they lie: how many of those with ink, a line of them
beside or below the picture, bare ones next to it, or an anchor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Pixels, Roi

Ints: TypeAlias = npt.NDArray[np.intp]
Flags: TypeAlias = npt.NDArray[np.bool_]

ACROSS, DOWN = 32, 18  # squares of the screen, 60 px at 1080p: three or four letters
INK = 48  # grey levels within 3 x 3 pixels: an edge of text, a tick, a button
MARKS, BARE = 24, 4  # pixels looked at in a square with ink, and in one without
MOVED_PIXELS = 2  # of a square: a tick on a ruler's long line has no more
MUCH = 0.16  # of the squares with ink: a menu, another preset
GROWN = 3  # squares of empty screen that are no longer empty
LINE, LINE_NEAR, LINE_SHARE = 3, 2, 0.34  # squares of one column beside the picture, or of one row below it: its ruler
EDGE = 2  # px round a picture are its own


@dataclass(frozen=True)
class Squares:
    """The squares of a screen that are looked at, and the pixels in each."""

    ys: Ints  # of the pixels, square by square
    xs: Ints
    counts: Ints  # pixels a square
    places: Ints  # (squares, 2): row and column of each; -1, number for an anchor
    ink: Flags
    anchor: Flags
    beside: Flags  # the picture, in its rows
    below: Flags  # the picture, in its columns
    near: Flags  # touches the picture

    @classmethod
    def of(cls, pixels: Pixels, picture: Roi | None, others: Sequence[Roi], anchors: Sequence[Roi]) -> Squares:
        """Those of a screen (H, W) or BGR (H, W, 3) outside its pictures: `picture`, if there is one, and `others`."""
        taken = (*others, *(() if picture is None else (picture,)))
        boxes = _Boxes.on(pixels.shape, anchors)
        marked = _marked(_ink(pixels, taken), boxes)
        ink = marked.counts(boxes) >= MOVED_PIXELS
        chosen = marked.within(ink).joined(_bare(boxes, ~ink, taken))
        counts = chosen.counts(boxes)
        seen = counts >= MOVED_PIXELS
        chosen = chosen.within(seen).by_owner()
        beside, below, near = boxes.about(picture)
        return cls(
            chosen.ys,
            chosen.xs,
            counts[seen],
            boxes.places[seen],
            ink[seen],
            boxes.anchor[seen],
            beside[seen],
            below[seen],
            near[seen],
        )

    def matters(self, moved: Flags) -> bool:
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

    among: Flags  # (squares,)
    number: Ints  # (squares,): of the column or row that a square belongs to; -1 for an anchor
    enough: npt.NDArray[np.float64]  # moved squares of one line that make it another

    @classmethod
    def of(cls, among: Flags, number: Ints, least: int) -> _Lines:
        there = np.bincount(number[among])
        return cls(among, number, np.maximum(least, LINE_SHARE * there))

    def gone(self, moved: Ints) -> bool:
        """Whether a good part of one line is among the squares that have moved, given by their index."""
        gone = np.bincount(self.number[moved[self.among[moved]]], minlength=len(self.enough))
        return bool(np.any(gone >= self.enough))


@dataclass(frozen=True)
class _Boxes:
    """Where squares lie, in px of the screen: the grid's, row by row, then the anchors."""

    left: Ints
    top: Ints
    width: Ints
    height: Ints
    places: Ints  # (boxes, 2): as of `Squares`
    row_of: Ints  # (H,): the row of the grid in which a pixel lies
    column_of: Ints  # (W,)

    @classmethod
    def on(cls, shape: tuple[int, ...], anchors: Sequence[Roi]) -> _Boxes:
        tops, heights, row_of = _parts(shape[0], DOWN)
        lefts, widths, column_of = _parts(shape[1], ACROSS)
        row, column = (each.ravel() for each in np.indices((len(tops), len(lefts))))
        given = np.array([_within(roi, shape) for roi in anchors], np.intp).reshape(-1, 4)
        numbered = np.stack([np.full(len(given), -1), np.arange(len(given))], axis=1)
        return cls(
            np.concatenate([lefts[column], given[:, 0]]),
            np.concatenate([tops[row], given[:, 1]]),
            np.concatenate([widths[column], given[:, 2]]),
            np.concatenate([heights[row], given[:, 3]]),
            np.concatenate([np.stack([row, column], axis=1), numbered]),
            row_of,
            column_of,
        )

    def __len__(self) -> int:
        return len(self.left)

    @property
    def anchor(self) -> Flags:
        return self.places[:, 0] < 0

    def of(self, box: int, screen: Pixels) -> Pixels:
        """The part of a screen (H, W) within one box: a view."""
        return screen[self.top[box] : self.bottom[box], self.left[box] : self.right[box]]

    def free(self, box: int, taken: Sequence[Roi]) -> Pixels:
        """One box, 1 where no picture covers it."""
        free = np.ones((self.height[box], self.width[box]), np.uint8)
        for roi in taken:
            _clear(free, roi, (self.left[box], self.top[box]))
        return free

    @property
    def right(self) -> Ints:
        return self.left + self.width

    @property
    def bottom(self) -> Ints:
        return self.top + self.height

    def about(self, picture: Roi | None) -> tuple[Flags, Flags, Flags]:
        """Which lie beside the picture, below it, and next to it; without one, a picture may come anywhere."""
        if picture is None:
            nowhere = np.zeros(len(self.left), bool)
            return nowhere, nowhere, ~nowhere
        aside = np.maximum(picture.x - self.left, self.right - picture.x - picture.width)
        lower = self.bottom - picture.y - picture.height
        endways = np.maximum(picture.y - self.top, lower)
        return (
            (aside > 0) & (endways < 2 * self.height),
            (lower > 0) & (aside < 2 * self.width),
            (aside < 2.5 * self.width) & (endways < 2.5 * self.height),
        )


@dataclass(frozen=True)
class _Chosen:
    """Pixels that are looked at, and in which box each lies."""

    owners: Ints
    ys: Ints
    xs: Ints

    def counts(self, boxes: _Boxes) -> Ints:
        return np.bincount(self.owners, minlength=len(boxes))

    def within(self, boxes: Flags) -> _Chosen:
        """Those in these boxes alone."""
        kept = boxes[self.owners]
        return _Chosen(self.owners[kept], self.ys[kept], self.xs[kept])

    def joined(self, *others: _Chosen) -> _Chosen:
        chosen = (self, *others)
        return _Chosen(
            np.concatenate([each.owners for each in chosen]),
            np.concatenate([each.ys for each in chosen]),
            np.concatenate([each.xs for each in chosen]),
        )

    def by_owner(self) -> _Chosen:
        order = np.argsort(self.owners, kind="stable")
        return _Chosen(self.owners[order], self.ys[order], self.xs[order])


def _within(roi: Roi, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, width and height of the part of a box on the screen."""
    left, top = min(roi.x, shape[1]), min(roi.y, shape[0])
    return left, top, min(roi.width, shape[1] - left), min(roi.height, shape[0] - top)


def _parts(size: int, most: int) -> tuple[Ints, Ints, Ints]:
    """Starts and sizes of at most so many parts of a side, none of them empty, and the part of each pixel."""
    edges = np.unique(np.linspace(0, size, most + 1).astype(np.intp))
    sizes = np.diff(edges)
    return edges[:-1], sizes, np.repeat(np.arange(len(sizes)), sizes)


def _ink(pixels: Pixels, taken: Sequence[Roi]) -> Pixels:
    """(H, W), 1 where the screen has ink, outside its pictures."""
    grey = pixels if pixels.ndim == 2 else cv2.extractChannel(pixels, 1)
    steps = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    ink: Pixels = np.empty(steps.shape, np.uint8)
    cv2.threshold(steps, INK - 1, 1, cv2.THRESH_BINARY, dst=ink)
    for roi in taken:
        _clear(ink, roi)
    return ink


def _clear(part: Pixels, roi: Roi, first: tuple[int, int] = (0, 0)) -> None:
    """Set to 0 what a picture covers of a part of the screen, whose first pixel is `first` (x, y)."""
    left, top, right, bottom = (max(0, side - first[axis % 2]) for axis, side in enumerate(_with_edge(roi)))
    part[top:bottom, left:right] = 0


def _with_edge(roi: Roi) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what belongs to a picture."""
    return roi.x - EDGE, roi.y - EDGE, roi.x + roi.width + EDGE, roi.y + roi.height + EDGE


def _marked(ink: Pixels, boxes: _Boxes) -> _Chosen:
    """Of the pixels with ink in each box, `MARKS` at most."""
    ys, xs = np.divmod(np.flatnonzero(ink.view(bool)), ink.shape[1])
    owners = (boxes.row_of[ys] * (boxes.column_of[-1] + 1) + boxes.column_of[xs]).astype(np.uint16)
    order, counts = np.argsort(owners, kind="stable"), np.bincount(owners, minlength=len(boxes))
    owner, number = _evenly(counts, MARKS)
    chosen = order[(np.cumsum(counts) - counts)[owner] + number]
    anchors = (_of_one(box, boxes.of(box, ink), boxes, MARKS) for box in np.flatnonzero(boxes.anchor).tolist())
    return _Chosen(owner, ys[chosen], xs[chosen]).joined(*anchors)


def _bare(boxes: _Boxes, which: Flags, taken: Sequence[Roi]) -> _Chosen:
    """Of the pixels of each of these boxes that no picture covers, `BARE` at most."""
    touched, covered = np.zeros(len(boxes), bool), np.zeros(len(boxes), bool)
    for left, top, right, bottom in map(_with_edge, taken):
        touched |= (boxes.left < right) & (boxes.right > left) & (boxes.top < bottom) & (boxes.bottom > top)
        covered |= (boxes.left >= left) & (boxes.right <= right) & (boxes.top >= top) & (boxes.bottom <= bottom)
    owner, number = _evenly(np.where(which & ~touched, boxes.width * boxes.height, 0), BARE)
    down, across = np.divmod(number, boxes.width[owner])
    whole = _Chosen(owner, boxes.top[owner] + down, boxes.left[owner] + across)
    parts = (
        _of_one(box, boxes.free(box, taken), boxes, BARE) for box in np.flatnonzero(which & touched & ~covered).tolist()
    )
    return whole.joined(*parts)


def _of_one(box: int, part: Pixels, boxes: _Boxes, most: int) -> _Chosen:
    """At most so many of the pixels that are set in `part`, which is one box of the screen."""
    places = np.flatnonzero(part)
    owner, number = _evenly(np.array([len(places)]), most)
    down, across = np.divmod(places[number], part.shape[1])
    return _Chosen(owner + box, boxes.top[box] + down, boxes.left[box] + across)


def _evenly(counts: Ints, most: int) -> tuple[Ints, Ints]:
    """Of groups of so many members, at most so many of each, evenly spread: the group and the number of each."""
    taken = np.minimum(counts, most)
    group = np.repeat(np.arange(len(counts)), taken)
    nth = np.arange(len(group)) - (np.cumsum(taken) - taken)[group]
    count = counts[group]
    return group, np.where(count > most, nth * (count - 1) // (most - 1), nth)
