"""Text on a screen: where it is, and what it says.

What drawn text has in common on every machine: strokes of one colour with sharp edges, of one height, in rows. So

    ink         pixels on the inner side of an edge that is sharp for its surroundings    (three sizes of the picture)
    candidates  rows of ink of a text's height, with the grey levels of their ink and paper
    strips      the candidates at one height, best first, as many as there is time for
    reading     what the network sees in them (edge.screen.glyphs); where it sees no glyphs, there is no text

Speckle and tissue give candidates too; the network, which has seen both, tells them from text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.frame import Pixels, Roi
from edge.screen.glyphs import HEIGHT, INK_ROWS, Word, cut_strip, read_strips

SQUARE = np.ones((3, 3), np.uint8)
SIZES = ((1, 6, 26), (2, 10, 26), (4, 10, 16))
"""The picture at full size, a half and a quarter, and the heights of ink, px, that are looked for in each: 6 to 64 px
together. They overlap, so that no line is too high for one and too low for the next."""
SMALLEST = 4  # px: less than this side of a picture holds no text

EDGE = (20, 100)  # grey levels across 3 px: below the first it is compression, above the second always sharp
SHARPER = 2.0  # times the mean step of its surroundings: in speckle one pixel in twelve is, in drawn text every edge
SURROUNDINGS = 31  # px at a quarter of the size: some lines of text
RINGING = 0.3  # of the sharpest edge near by: below it is what compression and scalers leave round strokes
NEAR = 5  # px at a quarter of the size: two blocks of compression
PAPER = 9  # px at a quarter of the size: the mean over more than a line's height is nearer to the paper than to the ink
LONGEST = 33  # px: what runs straight on for longer is a rule, a frame or a ruler, not a stroke of such text
JOIN = 9  # px: gaps within words, and between them, are at most this at these heights
SPARSE = 0.25  # of the ink of a middling row: a line of text has more from its base line to its capitals' tops
FILL = 0.25  # of a row's box is ink, gaps within JOIN closed
SHARPNESS = 1.6  # step at the ink over its spread: drawn text, sharp and of one colour, has 1.9 and more, speckle 1.4
NOISE = 8.0  # grey levels: ink of one colour has less spread than this only where nothing was blurred or compressed
TAPE = 4096  # columns of strips that are read of a screen: a full page of settings; the sharpest come first
SURE = 0.5  # probability of a glyph below which it counts for nothing
EVIDENCE = 0.95  # what the glyphs above it have to reach together to be text ...
WIDEST = 3.5  # ... and their mean width in heights of the line: a numeral with its tick has 3.3, a streak of tissue 4
DRAWN, EVIDENCE_DRAWN = 5.0, 0.5  # where the ink is sharper than speckle ever is: a lone number on plain paper


@dataclass(frozen=True)
class TextLine:
    """A line of text as read. `confidence`, 0..1, is that of its least certain glyph; a glyph of no class of ours is
    `edge.screen.glyphs.OTHER`."""

    box: Roi  # tight round the ink, in pixels of the picture given
    text: str
    confidence: float


@dataclass(frozen=True)
class Candidate:
    """What may be a line of text: the tight box of its ink, and its grey levels."""

    box: Roi
    core: Roi  # without the rows at its top and bottom that have hardly any ink: ticks that touch it, lone descenders
    ink: float
    paper: float
    sharpness: float  # mean step across 3 px at the ink, over the spread of the ink's grey levels


def text_boxes(grey: Pixels, *, within: Roi | None = None) -> tuple[Roi, ...]:
    """Where text is drawn in a grey picture (H, W), 6 to 64 px high, light on dark or dark on light, also over speckle.

    `within` looks at that part alone; boxes are in pixels of `grey` all the same.
    """
    return tuple(line.box for line in read_text(grey, within=within))


def read_text(grey: Pixels, *, within: Roi | None = None) -> tuple[TextLine, ...]:
    """The lines of text in a grey picture (H, W), from top to bottom; `within` as in `text_boxes`."""
    part = within.of(grey) if within is not None else grey
    offered = _that_fit(candidates(part))
    words = read_strips([_strip(part, candidate) for candidate in offered])
    read = sorted(zip(offered, words, strict=True), key=lambda pair: -_legible(pair[1]))
    found = _alone([TextLine(c.box, w.text, min(w.certain)) for c, w in read if is_text(c, w)])
    if within is not None:
        found = [
            replace(line, box=replace(line.box, x=line.box.x + within.x, y=line.box.y + within.y)) for line in found
        ]
    return tuple(sorted(_lines(found), key=lambda line: (line.box.y, line.box.x)))


def is_text(candidate: Candidate, word: Word) -> bool:
    """Whether the network saw text: a glyph that is surely there counts one, one less sure than SURE nothing."""
    evidence = sum(max(0.0, (glyph - SURE) / (1 - SURE)) for glyph in word.seen)
    if candidate.sharpness >= DRAWN:
        return evidence >= EVIDENCE_DRAWN
    return evidence >= EVIDENCE and candidate.core.width <= WIDEST * candidate.core.height * len(word.seen)


def candidates(grey: Pixels, *, sharpness: float = SHARPNESS) -> list[Candidate]:
    """Rows of sharp ink of a text's height, the smallest text first; those at least as sharp as `sharpness`."""
    found: list[Candidate] = []
    for scale, lowest, highest in SIZES:
        if scale > 1:
            half = grey.shape[1] // 2, grey.shape[0] // 2
            grey = cv2.resize(grey, half, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        if min(grey.shape) < SMALLEST:
            break
        found += [_scaled(candidate, scale) for candidate in _rows(grey, (lowest, highest), sharpness)]
    return found


def find_ink(grey: Pixels) -> tuple[Pixels, Pixels]:
    """255 where a pixel lies on the ink's side of an edge that is sharp for its surroundings, else 0; and each pixel's
    step, the grey levels across the 3 px round it.

    The ink's side is the one that the mean of the surroundings, which are mostly paper, does not lie on.
    """
    brightest, darkest = cv2.dilate(grey, SQUARE), cv2.erode(grey, SQUARE)
    step: Pixels = cv2.subtract(brightest, darkest)  # type: ignore[assignment]
    looked_at = np.ascontiguousarray(step[::4, ::4])
    usual = cv2.blur(looked_at, (SURROUNDINGS, SURROUNDINGS)) * np.float32(SHARPER)
    beside = cv2.dilate(looked_at, np.ones((NEAR, NEAR), np.uint8)) * np.float32(RINGING)
    limit = np.clip(np.maximum(usual, beside), *EDGE).astype(np.uint8)
    paper = cv2.blur(cv2.resize(grey, limit.shape[::-1], interpolation=cv2.INTER_AREA), (PAPER, PAPER))
    limit, paper = (cv2.resize(each, grey.shape[::-1], interpolation=cv2.INTER_LINEAR) for each in (limit, paper))
    middle = cv2.addWeighted(brightest, 0.5, darkest, 0.5, 0)
    other_side = cv2.bitwise_xor(cv2.compare(grey, middle, cv2.CMP_GE), cv2.compare(paper, middle, cv2.CMP_GE))
    ink = cv2.bitwise_and(cv2.compare(step, limit, cv2.CMP_GT), other_side)
    for kernel in (np.ones((LONGEST, 1), np.uint8), np.ones((1, LONGEST), np.uint8)):
        ink = cv2.subtract(ink, cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel))
    return ink, step  # type: ignore[return-value]


def measured(grey: Pixels, ink: Pixels, step: Pixels, box: Roi, *, least: float = 0.0) -> Candidate | None:
    """The candidate whose ink is tight in `box`; None where it is less sharp than `least`."""
    part, mask = box.of(grey), box.of(ink)
    (on,), (spread,) = cv2.meanStdDev(part, mask=mask)
    sharpness = cv2.mean(box.of(step), mask=mask)[0] / (float(spread[0]) + NOISE)
    if sharpness < least:
        return None
    paper = cv2.mean(part, mask=cv2.bitwise_not(mask))[0]
    return Candidate(box, core(ink, box), float(on[0]), paper, sharpness)


def core(ink: Pixels, box: Roi) -> Roi:
    """`box` without the rows at its top and bottom that have hardly any ink."""
    counts = np.count_nonzero(box.of(ink), axis=1)
    full = np.flatnonzero(counts >= SPARSE * np.median(counts))
    return Roi(box.x, box.y + int(full[0]), box.width, int(full[-1] - full[0]) + 1)


def _rows(grey: Pixels, heights: tuple[int, int], least: float) -> Iterator[Candidate]:
    ink, step = find_ink(grey)
    joined: Pixels = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, JOIN), np.uint8))  # type: ignore[assignment]
    for x, y, width, height in _boxes(joined):
        if width < 2 or not heights[0] <= height <= heights[1]:
            continue
        box = Roi(x, y, width, height)
        if cv2.countNonZero(box.of(joined)) < FILL * width * height:
            continue
        candidate = measured(grey, ink, step, box, least=least)
        if candidate is not None:
            yield candidate


def _boxes(mask: Pixels) -> Iterator[Sequence[int]]:
    """x, y, width, height of each connected area, those within the holes of others too."""
    outlines, nesting = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for outline, (_, _, _, parent) in zip(outlines, nesting[0] if outlines else (), strict=True):
        if parent < 0:  # not the edge of a hole
            yield cv2.boundingRect(outline)


def _scaled(candidate: Candidate, scale: int) -> Candidate:
    box, part = (
        Roi(box.x * scale, box.y * scale, box.width * scale, box.height * scale)
        for box in (candidate.box, candidate.core)
    )
    return replace(candidate, box=box, core=part)


def _that_fit(found: Sequence[Candidate]) -> list[Candidate]:
    """The sharpest, as many as the tape takes."""
    chosen, room = [], float(TAPE)
    for candidate in sorted(found, key=lambda candidate: -candidate.sharpness):
        columns = candidate.core.width * INK_ROWS / candidate.core.height + HEIGHT
        if columns <= room:
            chosen.append(candidate)
            room -= columns
    return chosen


def _strip(grey: Pixels, candidate: Candidate) -> Pixels:
    box = candidate.core
    return cut_strip(grey, (box.x, box.y, box.width, box.height), ink=candidate.ink, paper=candidate.paper)


def _legible(word: Word) -> float:
    """Mean certainty, a little less where it rests on few glyphs."""
    return sum(word.certain) / (len(word.certain) + 0.2)


def _alone(found: Sequence[TextLine]) -> list[TextLine]:
    """Of lines seen twice, at two sizes, or whole and in parts: the parts where they are half of the whole and more,
    else the whole. `found` is in the order of legibility."""
    kept: list[TextLine] = []
    for line in found:
        if sum(_shared(line.box, other.box) for other in kept) < 0.5 * _area(line.box):
            kept = [other for other in kept if _shared(line.box, other.box) < 0.5 * _area(other.box)]
            kept.append(line)
    return kept


def _lines(words: Sequence[TextLine]) -> list[TextLine]:
    """Words beside one another become one line."""
    lines: list[TextLine] = []
    for word in sorted(words, key=lambda word: word.box.x):
        before = next((line for line in reversed(lines) if _goes_on(line, word)), None)
        if before is None:
            lines.append(word)
        else:
            lines[lines.index(before)] = _joined(before, word)
    return lines


def _goes_on(line: TextLine, word: TextLine) -> bool:
    """Whether `word`, further right, belongs to `line`: at its height, and a space away; after a name that waits for
    its value, three."""
    left, right = line.box, word.box
    low, high = sorted((left.height, right.height))
    beside = min(left.y + left.height, right.y + right.height) - max(left.y, right.y)
    gap = right.x - left.x - left.width
    spaces = 3.0 if line.text.endswith((":", "=")) else 1.0
    return -low <= gap <= spaces * high and beside >= 0.6 * low and low >= 0.5 * high


def _joined(line: TextLine, word: TextLine) -> TextLine:
    a, b = line.box, word.box
    x, y = a.x, min(a.y, b.y)
    box = Roi(x, y, max(a.x + a.width, b.x + b.width) - x, max(a.y + a.height, b.y + b.height) - y)
    return TextLine(box, f"{line.text} {word.text}", min(line.confidence, word.confidence))


def _shared(a: Roi, b: Roi) -> int:
    wide = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    high = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return max(0, wide) * max(0, high)


def _area(box: Roi) -> int:
    return box.width * box.height
