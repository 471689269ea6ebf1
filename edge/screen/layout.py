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

import numpy as np
import numpy.typing as npt

from edge.findings import Outline
from edge.frame import Pixels, Roi
from edge.screen.outline import outline_of
from edge.screen.pixels_at import PixelsAt
from edge.screen.roi import DARK, Picture, find_pictures
from edge.screen.squares import MOVED_PIXELS, Squares

STILL = 0.02  # share of a picture that moves: below it is noise, or a cursor
RIVAL = 0.5  # of the best picture's area: a picture that may be the one that is meant; a thumbnail is smaller

MARK_MOVED = 48  # grey levels: at an edge compression alone makes 20
BARE_MOVED = 12  # grey levels: on flat screen it makes 4
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
        picture = None if layout.picture is None else layout.picture.roi
        self._squares = squares = Squares.of(pixels, picture, [other.roi for other in layout.others], tuple(anchors))
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
