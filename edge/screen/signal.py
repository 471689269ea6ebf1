"""Is there a picture at all? Read from one frame's content, whatever the capture device claims.

All is told from where neighbours differ. On one colour, and on slow gradients, they do so nowhere. On bars they do at
few columns. In what a capture device shows when nothing is plugged in they do in one small part: a box, a logo, a line
of text. The screen of a machine has text all round its picture, however black that is, and a bare picture fills its
screen. In doubt a screen is live, and the rooms after this one find no ultrasound picture on it.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Pixels

Signal = Literal["live", "frozen", "black", "flat", "colour bars", "no signal", "menu", "unreadable"]

LOOK = (240, 135)  # samples across and down: each 8th pixel of 1080p; a line of text is hit often enough
BLACK_BELOW = 24  # grey level: darker on average and of one colour is black, limited-range black (16) included
STEP = (24, 40)  # grey levels between neighbours: more than what compression leaves; less than most steps of tissue
NOISE_STEPS = 5  # of the median step of a screen: noise alone goes beyond it once in a million
STRAY = 12  # samples that differ by accident: hot pixels, a torn line; real screens, nearly black too, have 1,000
ONE_PLACE = 0.4  # of the screen, spanned by all that differs: 0.53 and more on real screens, nearly black too
ONE_PLACE_OF_STILL = 0.3  # of what has fewer rows than any screen: a still that was cut out of one
SCREEN_ROWS = 480
TONES, FEW = 32, 6  # of the tones from darkest to brightest, a poster has most in the few of its colours
POSTER = 0.66  # of the samples in those few: text, boxes and logos 0.68 and more through noise, lit tissue 0.2-0.7
BAR_ROWS = (0.08, 0.42)  # of the height: above the strip of small boxes, and above what is written over bars
BARS_FILL = 0.5  # of the screen, across and down; black borders take less than half
BAR_STEP = 11  # grey levels from bar to bar: a stair of 16 greys has 14 in limited range
BARS = (5, 20)  # how many; a border takes black and perhaps the bar beside it from SMPTE's seven
BARS_COVER = 0.75  # of the width; hard compression makes a fifth of it soft edges
WRITTEN_OVER = 0.15  # of the rows that bars are read from


def signal_state(pixels: Pixels | None) -> Signal:
    """What a captured screen (H, W) or BGR (H, W, 3) shows.

    "menu" and "frozen" are not told here: the one is content without an ultrasound picture, the other takes time.
    """
    if pixels is None:
        return "unreadable"
    look = _sampled(pixels)
    grey: Pixels = look if look.ndim == 2 else cv2.cvtColor(look, cv2.COLOR_BGR2GRAY)  # type: ignore[assignment]
    if _are_bars(look, grey):
        return "colour bars"
    detail = _box_of_detail(grey)
    if not detail.size:
        brightness = look.max(axis=2) if look.ndim == 3 else look  # dark blue is blue, not black
        return "black" if brightness.mean() < BLACK_BELOW else "flat"
    one_place = ONE_PLACE if len(pixels) >= SCREEN_ROWS else ONE_PLACE_OF_STILL
    return "no signal" if detail.size <= one_place * grey.size and _is_poster(detail) else "live"


def _sampled(pixels: Pixels) -> Pixels:
    """The pixels nearest to LOOK places. OpenCV would copy a view with gaps, and so the whole frame, to begin with."""
    rows, columns = (
        np.arange(count) * length // count
        for length, count in zip(pixels.shape, np.minimum(pixels.shape[:2], LOOK[::-1]), strict=False)
    )
    look: Pixels = pixels[rows[:, None], columns]
    return look


def _box_of_detail(grey: Pixels) -> Pixels:
    """The part of the screen within the box round all that differs from its neighbour; empty where nothing does."""
    here, right, below = grey[:-1, :-1], grey[:-1, 1:], grey[1:, :-1]
    if not here.size:
        return here
    steps = cv2.max(cv2.absdiff(here, right), cv2.absdiff(here, below))
    at_most = np.cumsum(cv2.calcHist([steps[::4]], [0], None, [256], [0, 256]))
    noise = int(np.searchsorted(at_most, at_most[-1] / 2))
    limit = min(max(NOISE_STEPS * noise, STEP[0]), STEP[1])
    differs = cv2.threshold(steps, limit, 1, cv2.THRESH_BINARY)[1]
    if cv2.countNonZero(differs) <= STRAY:
        return grey[:0]
    across, down = (cv2.reduce(differs, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S) for axis in (0, 1))
    return grey[_extent(down > 1), _extent(across > 1)]  # one alone in its line is a stray


def _is_poster(part: Pixels) -> bool:
    """Whether a few tones make up most of it, as in text, boxes and logos; lit tissue has every tone."""
    counts = cv2.calcHist([part], [0], None, [TONES], [float(part.min()), float(part.max()) + 1])
    return bool(np.sort(counts, axis=None)[-FEW:].sum() >= POSTER * part.size)


def _are_bars(look: Pixels, grey: Pixels) -> bool:
    """Whether upright bars, each of one colour and none thrice as wide as another, fill all but black borders."""
    line = _line_of_all_rows(look, grey)
    if len(line) < BARS_FILL * look.shape[1]:
        return False
    parts = np.split(line, np.flatnonzero(np.abs(np.diff(line, axis=0)).max(axis=1) > BAR_STEP) + 1)
    widest = max(map(len, parts))
    bars = [part for part in parts if 3 * len(part) > widest]  # narrower: the soft edge between two
    even = all(np.ptp(_middle(bar), axis=0).max() <= BAR_STEP for bar in bars)
    return even and BARS[0] <= len(bars) <= BARS[1] and sum(map(len, bars)) >= BARS_COVER * len(line)


def _line_of_all_rows(look: Pixels, grey: Pixels) -> npt.NDArray[np.float64]:
    """The one line (W, 1 or 3) that the rows show between black borders; empty where they differ."""
    lit = _extent(cv2.reduce(grey, 1, cv2.REDUCE_AVG) > BLACK_BELOW)
    height = lit.stop - lit.start
    first, last = (lit.start + int(share * height) for share in BAR_ROWS)
    rows = np.ascontiguousarray(look[first:last:2]).reshape(-1, look.size // len(look))
    if height < BARS_FILL * len(look) or not rows.size:
        return np.empty((0, 1))
    middle = cv2.repeat(cv2.reduce(rows, 0, cv2.REDUCE_AVG), len(rows), 1)
    far = cv2.threshold(cv2.absdiff(rows, middle), STEP[0], 1, cv2.THRESH_BINARY)[1]
    if cv2.countNonZero(far) > WRITTEN_OVER * rows.size:
        return np.empty((0, 1))
    line: npt.NDArray[np.float64] = rows.mean(axis=0).reshape(look.shape[1], -1)
    return line[_extent(line.max(axis=1) > BLACK_BELOW)]


def _middle(bar: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Its middle half: compression lets colours run into each other at the ends."""
    return bar[len(bar) // 4 : len(bar) - len(bar) // 4]


def _extent(line: npt.NDArray[np.bool_]) -> slice:
    """From the first true to the last; empty where there is none."""
    true = np.flatnonzero(line)
    return slice(int(true[0]), int(true[-1]) + 1) if true.size else slice(0, 0)
