"""De-identification: what is painted over, and the last look at what would be stored or sent.

Outside the picture's outline everything is black; what is painted into the picture (`edge.screen.marks`) is filled
with the brightness about it. The fill is smooth where tissue is speckled: a person sees that something was there, and
none of its shape. `checked` then looks at the very pixels that would leave the device, with a sharper eye than the one
that found the marks, and with the eye that reads text. It fails closed: when it is unsure, nothing leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.errors import RedactionError
from edge.findings import Outline
from edge.frame import Mask, Pixels, Roi
from edge.screen.marks import MARGIN, find_marks
from edge.screen.outline import inside
from edge.screen.parts import Places, parts_of
from edge.screen.text import read_text

PAD = 12  # px round a mark within which its fill is looked for
LETTERS = 2  # letters or digits that name somebody; one alone is a side, and one speckle in twenty reads as one
DEPTH = 3  # px of picture behind the mark's edge that are averaged: one speckle alone would be drawn out to a streak
SHORTEST_WORD = 5  # px: no smaller glyph can be read
WORD_SHAPE = 1.2  # a word is so many times as wide as high; a lone caliper, dot or focus mark is not
STROKES = 2  # that a row through a word crosses, in a quarter of its rows at least; a bright layer is one


class Redaction:
    """What is done to each picture of one layout, planned once: black outside, filled where marked."""

    def __init__(self, marks: Mask, inside: Mask | None = None) -> None:
        """`marks` (H, W), 1 = painted over; `inside` (H, W), 1 = within the picture's outline, None = all of it."""
        self._inside = None if inside is None else (inside > 0).astype(np.uint8) * np.uint8(255)
        within = marks > 0 if inside is None else (marks > 0) & (inside > 0)
        # What is filled, None where nothing is: the quality gate asks whether the nerve lies there.
        self.marks: Mask | None = within.astype(np.uint8) if within.any() else None
        self._shape = marks.shape
        self._fill = None if self.marks is None else _plan(self.marks, inside)

    @classmethod
    def of(cls, pictures: Sequence[Pixels], outline: Outline | None) -> Redaction:
        """That of pictures (H, W) or BGR (H, W, 3) of one layout, all of it within `outline`."""
        marks = find_marks(*pictures)
        return cls(marks, inside(outline, marks.shape) if outline else None)

    def __call__(self, grey: Pixels) -> None:
        """Redact a grey picture (H, W) in place. The picture lies in memory without gaps.

        Raises:
            ValueError: its size is not that of the plan.
        """
        if grey.shape != self._shape or not grey.flags.c_contiguous:
            raise ValueError(f"the redaction is planned for {self._shape}, the picture is {grey.shape}")
        if self._inside is not None:
            cv2.bitwise_and(grey, self._inside, dst=grey)
        if (fill := self._fill) is not None:
            flat = grey.reshape(-1)
            filled = np.einsum("ns,ns->n", flat[fill.sources], fill.shares, dtype=np.float32)
            flat[fill.targets] = filled + 0.5  # rounded


def paint_over(grey: Pixels, marks: Mask) -> None:
    """Fill the marked pixels of one grey picture (H, W) in place; for many of one layout, keep a `Redaction`."""
    Redaction(marks)(grey)


def checked(picture: Pixels, *, name: str = "picture") -> Pixels:
    """`picture` itself, (H, W) or BGR (H, W, 3), when no text can be read in it. What we draw, we draw after this.

    Raises:
        RedactionError: there is text in it, or what may be text: it must not be stored or sent.
    """
    word = next(iter(words_left(picture)), None)
    if word is not None:
        raise RedactionError(
            f"{name}: what may be text is left at {word.x},{word.y} ({word.width} x {word.height} px), so it is not "
            "kept: clear the writing on the machine's screen, or give the picture's box with --roi"
        )
    return picture


def words_left(picture: Pixels) -> tuple[Roi, ...]:
    """Boxes of what may be text in a picture that would be stored or sent: what looks painted, what reads as text."""
    grey: Pixels = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)  # type: ignore[assignment]
    boxes = [Roi(*sides) for sides in parts_of(find_marks(picture)).boxes.tolist()]
    painted = [box for box in boxes if _is_word(box.of(grey))]
    read = [line.box for line in read_text(grey) if sum(glyph.isalnum() for glyph in line.text) >= LETTERS]
    return (*painted, *read)


def _is_word(part: Pixels) -> bool:
    """Whether a painted part of a picture (H, W) has the shape of a word, and more than one stroke to a row."""
    height, width = (side - 2 * MARGIN for side in part.shape)
    if height < SHORTEST_WORD or width < WORD_SHAPE * height:
        return False
    dark, light = np.percentile(part, (5, 95))
    ink = (part > (dark + light) / 2).astype(np.int8)
    changes = np.count_nonzero(np.diff(ink, axis=1), axis=1)
    return bool(np.percentile(changes, 75) >= 2 * STROKES)


@dataclass(frozen=True)
class Fill:
    """Where marked pixels are filled from: flat indices of the picture, and shares."""

    targets: Places  # (N,)
    sources: Places  # (N, 4 x DEPTH)
    shares: npt.NDArray[np.float32]  # (N, 4 x DEPTH), a row's sum is 1, or 0 where no picture is in reach


def _plan(marks: Mask, inside: Mask | None) -> Fill:
    """The fill of all marked pixels (H, W), one at least."""
    free = marks == 0 if inside is None else (marks == 0) & (inside > 0)
    targets, sources, shares = [], [], []
    for x, y, width, height in parts_of(marks).boxes.tolist():
        top, left = max(0, y - PAD), max(0, x - PAD)
        box = free[top : y + height + PAD, left : x + width + PAD]
        rows, columns = np.nonzero(marks[y : y + height, x : x + width])
        from_rows, from_columns, share = _neighbours(box, rows + (y - top), columns + (x - left))
        targets.append((rows + y) * marks.shape[1] + columns + x)
        sources.append((from_rows + top) * marks.shape[1] + from_columns + left)
        shares.append(share)
    return Fill(np.concatenate(targets), np.concatenate(sources), np.concatenate(shares))


def _neighbours(
    free: npt.NDArray[np.bool_], rows: Places, columns: Places
) -> tuple[Places, Places, npt.NDArray[np.float32]]:
    """Of each place (N,), the rows and the columns (N, 4 x DEPTH) of the free pixels next to it each way, and shares.

    The nearer side counts more, by the square of the distance.
    """
    at_rows = np.repeat(rows[:, None], 4 * DEPTH, axis=1)
    at_columns = np.repeat(columns[:, None], 4 * DEPTH, axis=1)
    shares = np.zeros(at_rows.shape, np.float32)
    for way, (axis, step) in enumerate(((0, -1), (0, 1), (1, -1), (1, 1))):
        place, moving = (rows, at_rows) if axis == 0 else (columns, at_columns)
        nearest = _nearest(free, step, axis)[rows, columns]
        these = np.s_[:, way * DEPTH : (way + 1) * DEPTH]
        moving[these] = np.clip(nearest[:, None] + step * np.arange(DEPTH), 0, free.shape[axis] - 1)
        usable = free[at_rows[these], at_columns[these]] & (nearest >= 0)[:, None]
        shares[these] = usable / (np.abs(nearest - place).astype(np.float32) ** 2)[:, None]
    return at_rows, at_columns, shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)


def _nearest(free: npt.NDArray[np.bool_], step: int, axis: int) -> Places:
    """For each place, where along the axis the nearest free one is, going by `step` (-1 or 1); -1: there is none."""
    far = free.shape[axis]
    index = np.arange(far).reshape((-1, 1) if axis == 0 else (1, -1))
    if step < 0:
        return np.maximum.accumulate(np.where(free, index, -1), axis=axis)
    found = np.flip(np.minimum.accumulate(np.flip(np.where(free, index, far), axis), axis=axis), axis)
    return np.where(found == far, -1, found)
