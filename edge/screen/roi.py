"""Where ultrasound pictures lie on a screen.

What a screen is drawn with is flat: backgrounds, bars, buttons, the paper under text. Speckle is not: in tissue hardly
a pixel equals its neighbour, and no grey level takes a share of the screen. So the levels of the flat areas are read
first (the ground), then the cells where most pixels are off the ground and change from one to the next: the core of a
picture. Ultrasound resolves depth better than breadth, so that its grey changes faster downwards than sideways;
text, photographs and noise do not. From the core the picture grows into its darker parts, which differ from the paper
round it by as little as one grey level, and across an echo-free part to what has the same sides beyond it.

All is done on cells, `LOOK` to a screen's width; the boxes are then drawn to the pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.frame import Mask, Pixels, Roi
from edge.screen.cells import (
    STEP,
    Cells,
    Look,
    above,
    by_cell,
    cell_px,
    extent,
    hull_of,
    look_at,
    lookup,
    reduced,
)

SMALLEST = 32  # px, the shorter side of a screen that is looked at
SMOOTH = 5  # px: over 5 x 5, noise of 2 grey levels becomes 0.4
MOST_GROUND = 0.05  # of a noisy screen: even dark tissue looks flat once it is made smooth
NEAR = 3  # grey levels by which compression moves flat ground
AROUND = 8  # grey levels: what lies nearer to the paper may be the paper with its noise
DARK = 24  # grey level: the floor of a picture, and black of limited range (16), are darker
THINNEST = 9  # cells: lines of text, rulers and grey bars are thinner than this
MIN_SHARE = 0.06  # of the screen: the bright near field of a probe in air, and buttons, have less
ALIKE = 0.55  # of the changes are above half of the largest: 0.04-0.24 in ultrasound, 0.6-1 in gradients
DOWNWARDS = (1.25, 8.0)  # change downwards over change sideways: 1.3-4.2 in ultrasound, 0.4-1.2 in photographs and text
FILLED = 0.4  # of its convex hull is content: 0.5 and more with fluid in it, 0.3 for the bare echoes of wires in water
HARD = 80  # grey levels within 3 x 3 pixels: the edge of a letter
MOVED = 8  # grey levels between two screens: more than compression moves a pixel
STICKS_OUT, WHOLE = 0.4, 0.8  # shares of a side: labels that touch it, the picture itself
PICTURES = 4  # at most: a screen divided by four
MIDDLE = (0.45, 0.55)  # of the width: where two pictures side by side meet
SEAM = 2.2  # times the change elsewhere: 4.5 and 7.6 on real dual views, up to 1.4 in one picture
ALL_ALONG = 1.4  # times, in all but an eighth of the height: the edge of a shadow begins at a bone


@dataclass(frozen=True)
class Picture:
    """One ultrasound picture on a screen."""

    roi: Roi
    content: Mask  # cells of the box, 1 where the picture is anything but the paper round it
    moving: float  # share of those cells that differ between the screens, 0..1; 0 for a single screen


@dataclass(frozen=True)
class _Paper:
    """The flat level on which a picture lies, and the noise of it."""

    level: int
    noise: int

    @property
    def off(self) -> npt.NDArray[np.uint8]:
        """(256,) 255 for the levels that are not paper."""
        return np.where(np.abs(np.arange(256) - self.level) > self.noise, 255, 0).astype(np.uint8)


def find_roi(grey: Pixels) -> Roi | None:
    """The box of the best ultrasound picture on a grey screen (H, W), or None when nothing on it looks like one."""
    pictures = find_pictures((grey,))
    return pictures[0].roi if pictures else None


def find_pictures(screens: Sequence[Pixels]) -> tuple[Picture, ...]:
    """The ultrasound pictures on grey screens (H, W) of one layout, best first: those that move, then by size.

    One screen for a still, several for a stream: what is dark in one of them and not in another is found, and what
    moves is told from what does not.
    """
    brightest, darkest = _extremes(screens)
    if min(brightest.shape) < SMALLEST:
        return ()
    look = look_at(brightest)
    if not look.ground.any():  # a bare picture; or a screen with the noise of an analogue line on it
        smooth = look_at(cv2.blur(brightest, (SMOOTH, SMOOTH)), MOST_GROUND)  # type: ignore[arg-type]
        look = smooth if smooth.ground.any() else look
    moved = by_cell(above(reduced(brightest - darkest), MOVED), look.size) > 64
    pictures: list[Picture] = []
    taken = np.zeros(look.size[::-1], np.uint8)
    for core in _cores(look):
        if taken[core > 0].mean() > 0.5 or not _is_speckle(look, core):
            continue
        paper = _paper(look, core)
        content = _grown(look, core, paper)
        if np.count_nonzero(content) < FILLED * cv2.contourArea(hull_of(content)):
            continue
        taken |= content
        for part in _halves(look, content):
            roi = _to_the_pixel(look, part, paper)
            if roi.width * roi.height >= MIN_SHARE * brightest.size:
                x0, y0, x1, y1 = extent(part)
                cells = part[y0:y1, x0:x1]
                pictures.append(Picture(roi, cells, float(moved[y0:y1, x0:x1][cells > 0].mean())))
    pictures.sort(key=lambda picture: (picture.moving < 0.02, -picture.roi.width * picture.roi.height))
    return tuple(pictures[:PICTURES])


def _extremes(screens: Sequence[Pixels]) -> tuple[Pixels, Pixels]:
    """The brightest and the darkest that each pixel was."""
    brightest = darkest = screens[0]
    for screen in screens[1:]:
        brightest, darkest = np.maximum(brightest, screen), np.minimum(darkest, screen)
    return brightest, darkest


def _cores(look: Look) -> Iterator[Cells]:
    """The thick areas of cells that are busy and off the ground, the largest first."""
    dense = ((look.busy > 127) & (look.off > 127)).astype(np.uint8)
    thick = cv2.morphologyEx(cv2.medianBlur(dense, 5), cv2.MORPH_OPEN, np.ones((THINNEST, THINNEST), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(thick, connectivity=4)
    for number in 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA]):
        if stats[number, cv2.CC_STAT_AREA] < 0.2 * MIN_SHARE * thick.size:
            return
        yield _trimmed((labels == number).astype(np.uint8))


def _is_speckle(look: Look, core: Cells) -> bool:
    """Whether the grey of a core changes as speckle does: by every amount, and faster downwards than sideways."""
    height, width = look.grey.shape
    within = cv2.resize(core, (width, height), interpolation=cv2.INTER_NEAREST)
    counts = cv2.calcHist([look.steps], [0], within, [256], [0, 256]).ravel()
    counts[:STEP] = 0
    at_most = np.cumsum(counts)
    largest = int(np.searchsorted(at_most, 0.98 * at_most[-1]))
    if counts[(largest + 1) // 2 :].sum() > ALIKE * at_most[-1]:
        return False
    downwards = cv2.mean(cv2.absdiff(look.grey[1:], look.grey[:-1]), within[1:])[0]
    sideways = cv2.mean(cv2.absdiff(look.grey[:, 1:], look.grey[:, :-1]), np.ascontiguousarray(within[:, 1:]))[0]
    return DOWNWARDS[0] * sideways <= downwards <= DOWNWARDS[1] * sideways


def _paper(look: Look, core: Cells) -> _Paper | None:
    """The ground on both sides of a core; where it reaches from side to side, the darkest ground there is."""
    x0, y0, x1, y1 = extent(core)
    fx, fy = cell_px(look, look.grey)
    rows = look.grey[round(y0 * fy) : round(y1 * fy)]
    left = rows[:, round(max(0, x0 - 6) * fx) : round(max(0, x0 - 2) * fx)]
    right = rows[:, round((x1 + 2) * fx) : round((x1 + 6) * fx)]
    beside = np.bincount(np.concatenate((left.ravel(), right.ravel())), minlength=256)
    grounds = np.flatnonzero(look.ground)
    if not beside.any():
        dark = grounds[grounds <= DARK]
        return _Paper(int(dark[0]), 0 if len(dark) > 1 else NEAR) if len(dark) else None
    level = int(beside.argmax())
    if not look.ground[level]:
        return None
    away = np.abs(np.arange(AROUND * 2 + 1) - AROUND)
    near = np.bincount(away, np.pad(beside, AROUND)[level : level + 2 * AROUND + 1])
    noise = int(np.searchsorted(np.cumsum(near), 0.98 * near.sum()))
    others = np.abs(grounds[grounds != level] - level)
    return _Paper(level, min(noise, int(others.min(initial=256)) - 1))


def _grown(look: Look, core: Cells, paper: _Paper | None) -> Cells:
    """The core with what belongs to its picture, and what is dark in it."""
    if paper is None:
        bare = not look.ground.any() and _as_wide_as_the_screen(look, core)
        return np.ones_like(core) if bare else core
    floor = np.percentile(look.mean[core > 0], 5) + 1  # nothing in a picture is darker than its floor
    off = by_cell(lookup(look.grey, paper.off), look.size) > 127
    textured = (look.busy > 76) & (look.off > 127)
    content = (off & (textured | (look.mean <= floor))).astype(np.uint8) | core
    opened: Cells = cv2.morphologyEx(content, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))  # type: ignore[assignment]
    opened |= core
    labels = cv2.connectedComponents(opened, connectivity=4)[1]
    picture = _trimmed((labels == labels[core > 0][0]).astype(np.uint8))
    soft = by_cell(above(look.steps, HARD), look.size) < 26
    near = cv2.dilate(picture, np.ones((THINNEST, THINNEST), np.uint8)) > 0
    picture = _trimmed(picture | (near & soft & (content > 0)))
    return _to_the_floor(look, _beyond_fluid(picture, content), content, paper)


def _beyond_fluid(picture: Cells, content: Cells) -> Cells:
    """With the farthest rows of content, above and below, that have the very sides of the picture."""
    x0, y0, x1, y1 = extent(picture)
    slack = max(1, round(0.01 * (x1 - x0)))
    within = content[:, x0 + slack : x1 - slack].mean(axis=1) > 0.95
    left, right = max(0, x0 - slack), x1 + slack
    outside = np.hstack((content[:, max(0, left - 2) : left], content[:, right : right + 2]))
    rows = np.flatnonzero(within & ~outside.any(axis=1))
    for beyond in (slice(rows[0], y0), slice(y1, rows[-1] + 1)) if len(rows) else ():
        picture[beyond, x0:x1] = content[beyond, x0:x1]
    return picture


def _to_the_floor(look: Look, picture: Cells, content: Cells, paper: _Paper) -> Cells:
    """A picture as wide as the screen that fades into the only black there is goes on down to the screen's end."""
    x0, _, x1, y1 = extent(picture)
    one_black = np.count_nonzero(look.ground[: DARK + 1]) == 1
    if _as_wide_as_the_screen(look, picture) and one_black and y1 + 1 < len(picture):
        faded = abs(float(np.median(look.mean[y1 - 3 : y1])) - paper.level) <= NEAR + STEP
        if faded and content[y1 + 1 :].mean() < 0.05:
            picture[y1:, x0:x1] = 1
    return picture


def _as_wide_as_the_screen(look: Look, cells: Cells) -> bool:
    x0, _, x1, _ = extent(cells)
    edge = round(0.01 * look.size[0])
    return x0 <= edge and x1 >= look.size[0] - edge


def _halves(look: Look, content: Cells) -> tuple[Cells, ...]:
    """Two pictures that touch, side by side, apart: where they meet the grey jumps along the whole height."""
    x0, y0, x1, y1 = extent(content)
    fx, fy = cell_px(look, look.grey)
    left, right = round(x0 * fx), round(x1 * fx)
    grey = look.grey[round(y0 * fy) : round(y1 * fy), left:right]
    if grey.shape[0] < 64 or grey.shape[1] < 64:
        return (content,)
    jumps = cv2.absdiff(grey[:, 4:], grey[:, :-4])  # over 4 px: a line that is drawn there is thinner
    bands = cv2.resize(jumps, (jumps.shape[1], 8), interpolation=cv2.INTER_AREA).astype(np.float32)
    near, far = cv2.blur(bands, (9, 1)), cv2.blur(bands, (25, 1))
    usual = (25 * far - 9 * near) / 16
    ratio = np.where(usual > 0.5, bands / np.maximum(usual, 0.5), np.nan)
    ratio[:, np.count_nonzero(np.isnan(ratio), axis=0) > 3] = 0
    along = np.where(_quantile(ratio, 0.15) > ALL_ALONG, _quantile(ratio, 0.5), 0)
    first, last = (round(share * len(along)) for share in MIDDLE)
    middle = first + int(along[first:last].argmax())
    if along[middle] < SEAM or np.mean(along >= SEAM) > 0.1:  # a picture made of blocks has seams all over
        return (content,)
    seam = round((left + middle + 2) / fx)
    one, other = content.copy(), content.copy()
    one[:, seam:], other[:, :seam] = 0, 0
    return one, other


def _quantile(rows: npt.NDArray[np.float64], share: float) -> npt.NDArray[np.float64]:
    """Of each column of (R, C), what is not nan: as `numpy.nanquantile`, which takes the columns one by one."""
    ordered, count = np.sort(rows, axis=0), np.count_nonzero(~np.isnan(rows), axis=0)
    at = share * (count - 1)
    below = at.astype(np.intp)
    low, high = (
        np.take_along_axis(ordered, index[None], axis=0)[0] for index in (below, np.minimum(below + 1, count - 1))
    )
    result: npt.NDArray[np.float64] = low + (at - below) * (high - low)
    return result


def _to_the_pixel(look: Look, content: Cells, paper: _Paper | None) -> Roi:
    """The box of the content; each side drawn where the paper ends."""
    x0, y0, x1, y1 = extent(content)
    fx, fy = cell_px(look, look.full)
    left, top, right, bottom = round(x0 * fx), round(y0 * fy), round(x1 * fx), round(y1 * fy)
    if paper is not None:
        reach = max(2, round(2 * fx))
        across, down = look.full[top:bottom], look.full[:, left:right].T
        if x0 > 0:
            left = _first_line(across, left, reach, paper)
        if x1 < look.size[0]:
            right = across.shape[1] - _first_line(across[:, ::-1], across.shape[1] - right, reach, paper)
        if y0 > 0:
            top = _first_line(down, top, reach, paper)
        if y1 < look.size[1]:
            bottom = down.shape[1] - _first_line(down[:, ::-1], down.shape[1] - bottom, reach, paper)
    return Roi(left, top, right - left, bottom - top)


def _first_line(lines: Pixels, guess: int, reach: int, paper: _Paper) -> int:
    """The first column within `reach` of the guess that is half as full of content as those behind it."""
    begin = max(0, guess - reach)
    band = np.ascontiguousarray(lines[:, begin : guess + 2 * reach])
    full = (lookup(band, paper.off) > 0).mean(axis=0)
    return begin + int(np.argmax(full >= 0.5 * full[-reach:].mean()))


def _trimmed(cells: Cells) -> Cells:
    """Without what sticks out of a side: a picture's side narrows slowly, from a label's to a picture's it jumps."""
    for side in (cells, cells[::-1], cells.T, cells.T[::-1]):
        x0, y0, x1, y1 = extent(side)
        full = np.count_nonzero(side[y0:y1, x0:x1], axis=1) / (x1 - x0)
        third, slack = len(full) // 3, max(3, len(full) // 30)
        jumps = np.flatnonzero((full[:third] < STICKS_OUT) & (full[slack : third + slack] > WHOLE))
        if len(jumps):
            side[: y0 + jumps[-1] + 1] = 0
    return cells
