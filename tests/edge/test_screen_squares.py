"""The squares of a screen that are watched: found all at once, they are what one square after the other would give."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.frame import Pixels, Roi
from edge.screen.squares import ACROSS, BARE, DOWN, EDGE, INK, MARKS, MOVED_PIXELS, Squares


def evenly(places: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    if len(places) <= most:
        return places
    return [places[nth * (len(places) - 1) // (most - 1)] for nth in range(most)]


def one_by_one(screen: Pixels, pictures: list[Roi], anchors: list[Roi]) -> list[tuple[bool, list[tuple[int, int]]]]:
    """Of each square that is looked at: whether it has ink, and its pixels (y, x)."""
    height, width = screen.shape
    ink = cv2.morphologyEx(screen, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) >= INK
    free = np.ones((height, width), bool)
    for roi in pictures:
        top, left = max(0, roi.y - EDGE), max(0, roi.x - EDGE)
        free[top : roi.y + roi.height + EDGE, left : roi.x + roi.width + EDGE] = False
    rows, columns = (np.linspace(0, size, most + 1).astype(int) for size, most in ((height, DOWN), (width, ACROSS)))
    boxes = [(top, bottom, left, right) for top, bottom in pairwise(rows) for left, right in pairwise(columns)]
    boxes += [(roi.y, min(height, roi.y + roi.height), roi.x, min(width, roi.x + roi.width)) for roi in anchors]
    found = []
    for top, bottom, left, right in boxes:
        inside = [(y, x) for y in range(top, bottom) for x in range(left, right) if free[y, x]]
        marked = [place for place in inside if ink[place]]
        has_ink = len(marked) >= MOVED_PIXELS
        chosen = evenly(marked, MARKS) if has_ink else evenly(inside, BARE)
        if len(chosen) >= MOVED_PIXELS:
            found.append((has_ink, chosen))
    return found


@st.composite
def layouts(draw: st.DrawFn) -> tuple[Pixels, list[Roi], list[Roi]]:
    height, width = draw(st.integers(1, 120)), draw(st.integers(1, 150))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    screen = rng.integers(0, draw(st.integers(1, 256)), (height, width)).astype(np.uint8)
    screen[rng.random((height, width)) < draw(st.floats(0, 1))] = 0

    def box(beyond: int) -> Roi:
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        return Roi(x, y, draw(st.integers(1, width - x + beyond)), draw(st.integers(1, height - y + beyond)))

    return screen, [box(0) for _ in range(draw(st.integers(0, 3)))], [box(9) for _ in range(draw(st.integers(0, 4)))]


@settings(max_examples=60, deadline=None)
@given(layouts())
def test_all_at_once_is_one_after_the_other(layout: tuple[Pixels, list[Roi], list[Roi]]):
    screen, pictures, anchors = layout
    picture, *others = pictures or [None]
    squares = Squares.of(screen, picture, others, anchors)
    ends = np.cumsum(squares.counts).tolist()
    seen = [
        (bool(ink), list(zip(squares.ys[start:end].tolist(), squares.xs[start:end].tolist(), strict=True)))
        for ink, start, end in zip(squares.ink, [0, *ends], ends, strict=False)
    ]
    assert seen == one_by_one(screen, pictures, anchors)
    assert squares.anchor.tolist() == [row < 0 for row in squares.places[:, 0].tolist()]


def test_colour_is_seen_by_its_green():
    colour = np.random.default_rng(3).integers(0, 256, (90, 130, 3)).astype(np.uint8)
    by_green, whole = (Squares.of(pixels, None, [], []) for pixels in (colour[..., 1].copy(), colour))
    assert np.array_equal(by_green.ys, whole.ys)
    assert np.array_equal(by_green.xs, whole.xs)


@pytest.mark.parametrize("beyond", [0, 5, 300])
def test_an_anchor_that_reaches_over_the_edge_is_watched_on_its_own_pixels(beyond):
    """A row of ticks is given a little beyond its ends: past the screen there is nothing to look at."""
    screen: Pixels = np.zeros((180, 320), np.uint8)
    screen[40:46:2, 280:320] = 255
    anchor = Roi(280, 38, 40 + beyond, 10)
    squares = Squares.of(screen, Roi(60, 60, 100, 80), [], [anchor])
    at = np.repeat(squares.anchor, squares.counts)
    assert np.count_nonzero(at) == MARKS
    assert ((squares.xs[at] >= 280) & (squares.ys[at] >= 38) & (squares.ys[at] < 48)).all()
