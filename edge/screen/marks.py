"""What is painted into the ultrasound picture: text, calipers and measuring lines, focus and body marks, boxes, logos.

An echo cannot have a sharp side. Along the rows a pixel differs from the next by little, for the beam is wider than a
pixel; ink steps from the paper to its own level at once, and back within a stroke. So ink is what lies between two
opposite steps that are large for this picture and hold most of the brightness range about them. Long level lines have
no sides within reach: they are told by being thin, flat along and sharp across. Colour is told by standing apart from
the tint that the picture's greys have.

Several frames of one layout are looked at as their mean: tissue moves and fades, ink stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Mask, Pixels
from edge.screen.colour import bgr

COMMON_SHARE = 0.95  # of the pixels step by less than the common step
FAINT = 2.5, 16  # times the common step, and grey levels at the least: ink may step so little; so do a few echoes
SURE = 1.6  # times a faint step: no echo, or one in a picture
CRISP = 0.35  # of the range within CRISP_REACH px is in one step: 0.4-1 in ink, 0.2-0.3 at the side of a bright echo
CRISP_HALF = 0.42  # the same on the picture at half its size, where bright spots are crisper
CRISP_LINE = 0.5  # the same down the columns, where echoes are as sharp as 0.4
CRISP_REACH = 3
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
MARGIN = 2  # px round the ink: its soft edge, and what a codec rings


@dataclass(frozen=True)
class Edges:
    """Where a picture (H, W) is brighter by a sharp step than its left neighbour, and than its right one: 1, else 0."""

    rise: Mask
    fall: Mask
    step: Pixels  # the larger of the two steps, in grey levels
    sharp: float  # grey levels: the steps above it are sharp


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
    if picture.ndim == 3:
        marks |= _joined(_coloured(picture, grey), _stroke_reach(grey.shape[0]))
    return _pixels(cv2.dilate(marks, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8)))


def colour_share(picture: Pixels, chroma: Pixels | None = None) -> float:
    """The share, 0..1, of a picture's pixels that are coloured, seen on a sample of them; 0 when it is grey (H, W) and
    has no `chroma` (h, w, 2) beside it."""
    stride = max(1, min(picture.shape[:2]) // TINT_SAMPLES)
    sample = np.ascontiguousarray(picture[::stride, ::stride])
    if picture.ndim == 2:
        if chroma is None:
            return 0.0
        down, across = (max(1, stride * of // full) for of, full in zip(chroma.shape, picture.shape, strict=False))
        sample = bgr(sample, chroma[::down, ::across])
    return float(_coloured(sample, _pixels(cv2.cvtColor(sample, cv2.COLOR_BGR2GRAY))).mean())


def _ink(grey: Pixels, crisp: float) -> Mask:
    """Text, strokes and lines of any brightness."""
    reach = _stroke_reach(grey.shape[0])
    across = _sharp_edges(grey, crisp)
    return _sure(_joined(_between(across, reach), reach), across) | _level_lines(grey, across, 2 * reach)


def _stroke_reach(height: int) -> int:
    """The widest stroke, and the widest gap in a word, on a picture so many px high: odd, so that it has a middle."""
    return max(LEAST_STROKE, round(height * STROKE_SHARE)) | 1


def _sharp_edges(grey: Pixels, crisp: float, times: float = 1.0) -> Edges:
    """The steps along the rows that are crisp, and larger than `times` a faint one."""
    rise, fall = np.zeros_like(grey), np.zeros_like(grey)
    cv2.subtract(grey[:, 1:], grey[:, :-1], dst=rise[:, 1:])
    cv2.subtract(grey[:, :-1], grey[:, 1:], dst=fall[:, :-1])
    step = _pixels(cv2.max(rise, fall))
    counts = np.cumsum(np.bincount(step[::4].ravel(), minlength=256))
    common = int(np.searchsorted(counts, COMMON_SHARE * counts[-1]))
    sharp = times * max(FAINT[0] * common, FAINT[1])
    window = np.ones((1, 2 * CRISP_REACH + 1), np.uint8)
    enough = _pixels(cv2.convertScaleAbs(cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, window), alpha=crisp))
    np.maximum(enough, np.uint8(min(255.0, sharp)), out=enough)
    up, down = (_pixels(cv2.compare(steps, enough, cv2.CMP_GT)) & np.uint8(1) for steps in (rise, fall))
    return Edges(up, down, step, sharp)


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


def _between(edges: Edges, reach: int) -> Mask:
    """Pixels with a sharp rise on one side and a sharp fall on the other, both within reach: light or dark ink."""
    bar = np.ones((1, reach), np.uint8)

    def to_the_right(mask: Mask) -> Mask:
        return _pixels(cv2.dilate(mask, bar, anchor=(reach - 1, 0)))

    def to_the_left(mask: Mask) -> Mask:
        return _pixels(cv2.dilate(mask, bar, anchor=(0, 0)))

    light = to_the_right(edges.rise) & to_the_left(edges.fall)
    dark = to_the_right(edges.fall) & to_the_left(edges.rise)
    return light | dark


def _joined(ink: Mask, reach: int) -> Mask:
    """Letters as words: gaps along the rows filled, and the few px between the rows of one glyph."""
    return _pixels(cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((5, reach), np.uint8)))


def _sure(words: Mask, edges: Edges) -> Mask:
    """The words with edges that no echo has, and those of faint edges that have a word's shape."""
    count, label, boxes, _ = cv2.connectedComponentsWithStats(words, connectivity=8)
    points = cv2.findNonZero((edges.rise | edges.fall) & words)
    if points is None:
        return np.zeros_like(words)
    columns, rows = points.reshape(-1, 2).T  # OpenCV 4 and 5 shape it differently
    labels, step = label[rows, columns], edges.step[rows, columns]

    def enough(chosen: npt.NDArray[np.bool_], least: int) -> npt.NDArray[np.bool_]:
        return np.bincount(labels[chosen], minlength=count) >= least

    wide, high = boxes[:, cv2.CC_STAT_WIDTH], boxes[:, cv2.CC_STAT_HEIGHT]
    keep = enough(step > SURE * edges.sharp, MANY) | enough(step > min(LARGE[0] * edges.sharp, LARGE[1]), FEW)
    keep |= enough(step > 0, 2 * MANY) & (high >= WORD[0]) & (wide >= WORD[1] * high)
    keep[0] = False
    return _pixels(keep.astype(np.uint8)[label])


def _level_lines(grey: Pixels, across: Edges, length: int) -> Mask:
    """Level lines: thin, sharp above and below, and of one brightness along the way."""
    turned = np.ascontiguousarray(grey.T)
    thin = np.ascontiguousarray(_between(_sharp_edges(turned, CRISP_LINE, LINE), LINE_THICKNESS).T)
    flat = cv2.threshold(across.step, LINE_FLAT, 1, cv2.THRESH_BINARY_INV)[1]
    return _pixels(cv2.morphologyEx(thin & flat, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)))


def _coloured(picture: Pixels, grey: Pixels) -> Mask:
    """Pixels whose blue or red is not what this picture's greys of that brightness have: a tinted map is no colour."""
    apart = np.zeros_like(grey)
    if cv2.absdiff(picture, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)).max() <= CHROMA // 2:
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
