"""What is painted into the ultrasound picture: text, calipers and measuring lines, focus and body marks, boxes, logos.

An echo cannot have a sharp side. Along the rows a pixel differs from the next by little, for the beam is wider than a
pixel; ink steps from the paper to its own level at once, and back within a stroke. So ink is what lies between two
opposite steps that are large for this picture and hold most of the brightness range about them. Long level lines have
no sides within reach: they are told by being thin, flat along and sharp across. Colour is told by standing apart from
the tint that the picture's greys have.

Several frames of one layout are looked at as their mean: tissue moves and fades, ink stays.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Mask, Pixels
from edge.screen.colour import bgr
from edge.screen.edges import ACROSS, DOWN, Edges, bands, bar_of, crowded, paired, sharp_edges, steps_along
from edge.screen.parts import Places, parts_of

SURE = 1.6  # times a faint step: no echo, or one in a picture
CRISP = 0.35  # of the range within CRISP_REACH px is in one step: 0.4-1 in ink, 0.2-0.3 at the side of a bright echo
CRISP_HALF = 0.42  # the same on the picture at half its size, where bright spots are crisper
CRISP_LINE = 0.5  # the same down the columns, where echoes are as sharp as 0.4
LARGE = 4.0, 160  # times a faint step, or grey levels: no echo's
MANY, FEW = 12, 3  # a mark holds so many sure edges, or so few large ones; single speckles do not
WORD = 5, 1.2  # px high at least, and times as wide as high: a glyph smaller than this cannot be read
STROKE_SHARE = 1 / 30  # of the picture's height, the widest stroke and the widest gap within a word ...
LEAST_STROKE = 16  # ... and at least so many px: glyphs of the smallest legible fonts lie within it
HALVED_FROM = 400  # px of the shorter side: a larger picture may be an enlarged one, with soft ink: it is halved too
LINE_THICKNESS = 6  # px, of a level line
LINE = 2.0  # times a faint step down the columns: the layers at the skin step by less
LINE_FLAT = 8  # grey levels between neighbours along a line: ink of one level, after a camera's or a codec's noise
CHROMA = 40  # grey levels that blue or red may stand apart from the picture's own tint
TINT_BIN = 32  # grey levels of one tint
TINT_SHARE = 0.02  # of the samples tell the tint of their brightness; fewer may be a mark's own
TINT_SAMPLES = 50  # pixels a side, or some more, tell the tint
SHARE_SAMPLES = 32  # the same, tell how much is coloured
MARGIN = 2  # px round the ink: its soft edge, and what a codec rings


def find_marks(*frames: Pixels) -> Mask:
    """(H, W), 1 = painted over the picture, 0 = picture; whole words are marked, not their letters alone.

    `frames` are the ultrasound picture alone, one or several of the same layout, all grey (H, W) or all BGR
    (H, W, 3), uint8.

    Raises:
        ValueError: no frame, or frames of several shapes.
    """
    if not frames or any(frame.shape != frames[0].shape for frame in frames):
        raise ValueError("marks are found in one frame or more, all of one shape")
    picture = _mean(frames)
    grey = picture if picture.ndim == 2 else _pixels(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
    if min(grey.shape) < LEAST_STROKE:
        return np.zeros(grey.shape, np.uint8)
    marks = _ink(grey, CRISP)
    if min(grey.shape) >= HALVED_FROM:
        half = _pixels(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        marks |= _pixels(cv2.resize(_ink(half, CRISP_HALF), grey.shape[::-1], interpolation=cv2.INTER_NEAREST))
    if picture.ndim == 3 and (coloured := _coloured(picture, grey)).any():
        marks |= _joined(coloured, _stroke_reach(grey.shape[0]))
    return _pixels(cv2.dilate(marks, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8)))


def colour_share(picture: Pixels, chroma: Pixels | None = None) -> float:
    """The share, 0..1, of a picture's pixels that are coloured, seen on a sample of them; 0 when it is grey (H, W) and
    has no `chroma` (h, w, 2) beside it."""
    stride = max(1, min(picture.shape[:2]) // SHARE_SAMPLES)
    sample = np.ascontiguousarray(picture[::stride, ::stride])
    if picture.ndim == 2:
        if chroma is None:
            return 0.0
        down, across = (max(1, stride * of // full) for of, full in zip(chroma.shape, picture.shape, strict=False))
        sample = bgr(sample, chroma[::down, ::across])
    return float(_coloured(sample, _pixels(cv2.cvtColor(sample, cv2.COLOR_BGR2GRAY))).mean())


def _ink(grey: Pixels, crisp: float) -> Mask:
    """Text, strokes and lines of any brightness."""
    reach, steps = _stroke_reach(grey.shape[0]), steps_along(grey, ACROSS)
    across = sharp_edges(grey, steps, ACROSS, crisp)
    down = sharp_edges(grey, steps_along(grey, DOWN), DOWN, CRISP_LINE, LINE)
    marks = np.zeros_like(grey)
    for band in bands(paired(across, reach), len(grey)):
        marks[band] = _sure(across.within(band), marks[band].shape, reach)
    for band in bands(crowded(down, len(grey), LINE_THICKNESS, 2 * reach), len(grey)):
        marks[band] |= _level_lines(down.within(band), steps[band], 2 * reach)
    return marks


def _stroke_reach(height: int) -> int:
    """The widest stroke, and the widest gap in a word, on a picture so many px high: odd, so that it has a middle."""
    return max(LEAST_STROKE, round(height * STROKE_SHARE)) | 1


def _pixels(answer: object) -> Pixels:
    """What OpenCV answers, whose types do not tell that bytes in give bytes out."""
    return cast("Pixels", answer)


def _mean(frames: tuple[Pixels, ...]) -> Pixels:
    if len(frames) == 1:
        return frames[0]
    total = np.zeros(frames[0].shape, np.float32)
    for frame in frames:
        cv2.accumulate(frame, total)
    return _pixels(cv2.convertScaleAbs(total, alpha=1 / len(frames)))


def _between(edges: Edges, shape: tuple[int, ...], reach: int, axis: int) -> Mask:
    """Pixels with a sharp rise on one side and a sharp fall on the other, both within reach: light or dark ink."""
    bar, end = bar_of(reach, axis), (reach - 1, 0) if axis == ACROSS else (0, reach - 1)
    onwards, back = [], []
    for chosen in (edges.rise, edges.fall):
        mask = np.zeros(shape, np.uint8)
        mask.ravel()[edges.places[chosen]] = 1
        onwards.append(_pixels(cv2.dilate(mask, bar, anchor=end)))
        back.append(_pixels(cv2.dilate(mask, bar, anchor=(0, 0))))
    return (onwards[0] & back[1]) | (onwards[1] & back[0])


def _joined(ink: Mask, reach: int) -> Mask:
    """Letters as words: gaps along the rows filled, and the few px between the rows of one glyph."""
    return _pixels(cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((5, reach), np.uint8)))


def _sure(edges: Edges, shape: tuple[int, ...], reach: int) -> Mask:
    """The words with edges that no echo has, and those of faint edges that have a word's shape."""
    if not np.any(_as_many(edges, np.zeros(len(edges.step), np.intp), 1)):
        return np.zeros(shape, np.uint8)
    parts = parts_of(_joined(_between(edges, shape, reach, ACROSS), reach))
    surely, perhaps = _as_many(edges, parts.at(edges.places), len(parts.boxes))
    wide, high = parts.boxes[:, 2], parts.boxes[:, 3]
    return parts.mask(surely | (perhaps & (high >= WORD[0]) & (wide >= WORD[1] * high)))


def _as_many(edges: Edges, number: Places, count: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which of `count` parts have the edges of ink, and which do if they have its shape; `number` -1 is in none."""

    def enough(least_step: float, least: int) -> npt.NDArray[np.bool_]:
        return np.bincount(number[(edges.step > least_step) & (number >= 0)], minlength=count) >= least

    surely = enough(SURE * edges.sharp, MANY) | enough(min(LARGE[0] * edges.sharp, LARGE[1]), FEW)
    return surely, enough(0, 2 * MANY)


def _level_lines(edges: Edges, steps: Pixels, length: int) -> Mask:
    """Level lines: thin, sharp above and below, and of one brightness along the way, where pixels have these steps."""
    thin = _between(edges, steps.shape, LINE_THICKNESS, DOWN)
    flat = _pixels(cv2.threshold(steps, LINE_FLAT, 1, cv2.THRESH_BINARY_INV)[1])
    return _pixels(cv2.morphologyEx(thin & flat, cv2.MORPH_OPEN, bar_of(length, ACROSS)))


def _coloured(picture: Pixels, grey: Pixels) -> Mask:
    """Pixels whose blue or red is not what this picture's greys of that brightness have: a tinted map is no colour."""
    apart = np.zeros_like(grey)
    if cv2.norm(picture, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), cv2.NORM_INF) <= CHROMA // 2:
        return apart  # nor does a tint lie further from grey: none of it can be CHROMA from its tint
    stride = max(1, min(grey.shape) // TINT_SAMPLES)
    brightness = grey[::stride, ::stride].astype(np.int16).ravel()
    for channel in (0, 2):
        plane = _pixels(cv2.extractChannel(picture, channel))
        expected = _tinted(brightness, plane[::stride, ::stride].astype(np.int16).ravel() - brightness)
        apart = _pixels(cv2.max(apart, cv2.absdiff(plane, cv2.LUT(grey, expected))))
    return _pixels(cv2.threshold(apart, CHROMA, 1, cv2.THRESH_BINARY)[1])


def _tinted(brightness: npt.NDArray[np.int16], offset: npt.NDArray[np.int16]) -> Pixels:
    """(256,) what a channel is at each grey level, set by the quarter of least colour, for flow may fill most."""
    knots, tint = [0.0], [0.0]
    for level in range(256 // TINT_BIN):
        among = offset[brightness // TINT_BIN == level]
        if among.size > TINT_SHARE * offset.size:
            knots.append((level + 0.5) * TINT_BIN)
            quarter = among.size // 4
            tint.append(float(among[np.argpartition(np.abs(among), quarter)[quarter]]))
    levels = np.arange(256)
    return np.clip(levels + np.interp(levels, knots, tint), 0, 255).astype(np.uint8)
