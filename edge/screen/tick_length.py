"""How long a tick is: from the words beside it, the depth in words, or its ranks. Pure rules on ticks and text lines.

Ticks are drawn at few lengths, which lie at least a fifth apart: words only choose among them. Where they leave a
choice there is no length: a wrong scale harms more than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from edge.frame import Roi
from edge.screen.text import TextLine
from edge.screen.ticks import Ticks

LENGTHS_MM = (1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 50.0)  # that ticks are drawn at
FARTHEST_MM = 100.0  # that ticks of a higher rank are apart
SHORTEST_MM, LONGEST_MM = 10.0, 300.0  # a side of an ultrasound picture
MM = {"mm": 1.0, "cm": 10.0}

REACH = 4.0  # times its height, how far a label may stand from its tick
OFF_TICK = 0.25  # of a period, how far labels may stray from where the first of them puts the others ...
OFF_LINE = 0.5  # ... or of their own height, where ticks are closer than lines of text
SURE_LABELS = 3  # agree with no length by chance; two may, and must put the zero where a ruler begins
LABEL_SHARE = 0.6  # of the numbers beside the ruler agree
ZERO = 0.1  # of the picture's side, how near its end the ruler's zero lies
WIDEST_CM = 5.0  # between labels in centimetres: "10, 20" have lost the points of "1.0, 2.0"

LEGIBLE = 0.5  # confidence in a label: two that are guessed may agree, and make 15 of a 25
SURE_WORDS = 0.9  # confidence in a depth: one digit misread may fit another length, and nothing else tells
LEAST_DEPTH_TICKS, EVEN = 4, 0.0075  # in a row that a depth may speak for, and its largest uncertainty
DEPTH_SHARE = 0.25  # that the picture may differ from the depth in words: a curved probe's begins above the skin
RULER_SHARE = 0.15  # that the ruler may; or by the last tick that is missing
LEAST_DEPTH_MM = 15.0  # that machines offer
BARE_DEPTH_MM = 5.0  # a length without a word beside it is a depth in steps of this alone: calipers give any number

NUMBER = re.compile(r"((?:0|[1-9]\d{0,2})(?:[.,]\d)?) ?(cm|mm)?", re.IGNORECASE)  # "05" has lost its point
UNIT = re.compile(r"\(?(cm|mm)\)?", re.IGNORECASE)
DEPTH = re.compile(r"\b(?:depth|dep|de|d) ?[.:=]? ?(\d{1,3}(?:[.,]\d{1,2})?) ?(cm|mm)\b", re.IGNORECASE)
TICK_INK = " -_—–=|.,'"  # what a tick beside a label is read as


def tick_length(row: Ticks, lines: Sequence[TextLine], picture: Roi) -> float | None:
    """Millimetres from one tick of `row` to the next, or None where words and ranks leave none or more than one."""
    side = picture.height if row.axis == "down" else picture.width
    long = max(side / row.period, row.count - 1)  # in ticks; of a picture with dark depths the box may be a part alone
    possible = {
        mm
        for mm in LENGTHS_MM
        if SHORTEST_MM <= long * mm <= LONGEST_MM
        and all(mm * rank.every in (*LENGTHS_MM, FARTHEST_MM) for rank in row.ranks)
    }
    labels = _by_labels(row, lines, picture) & possible
    worded, bare = (lengths & possible for lengths in _by_depth(row, lines, picture))
    depth = worded or (bare if len(labels) != 1 else set())  # what is written bare may be a label itself
    left = labels & depth if labels and depth else labels or depth or _by_ranks(row) & possible
    return left.pop() if len(left) == 1 else None


@dataclass(frozen=True)
class _Label:
    tick: float  # the place of its middle, in ticks
    value: float
    unit: str  # as written; mostly ""
    stray: float  # how far it may stray, in ticks


def is_length(text: str) -> bool:
    """Whether a text beside a ruler is a number of it, its unit, or a depth."""
    text = text.strip(TICK_INK)
    return bool(NUMBER.fullmatch(text) or UNIT.fullmatch(text) or DEPTH.search(text))


def _by_labels(row: Ticks, lines: Iterable[TextLine], picture: Roi) -> set[float]:
    """The lengths that the numbers beside the ticks allow: one a unit, where no unit is written."""
    labels: list[_Label] = []
    alone: set[str] = set()
    for text, middle, height in _beside(row, lines):
        if unit := UNIT.fullmatch(text):
            alone.add(unit[1].lower())
        elif number := NUMBER.fullmatch(text):
            tick, stray = (middle - row.first) / row.period, max(OFF_TICK, OFF_LINE * height / row.period)
            labels.append(_Label(tick, _value(number[1]), (number[2] or "").lower(), stray))
    lengths = set()
    for step, agreeing in _steps(labels, row, picture):
        units = alone | {label.unit for label in agreeing if label.unit}
        lost_its_point = units == {"cm"} and _gap(agreeing) > WIDEST_CM
        if len(units) <= 1 and not lost_its_point:
            lengths |= {step * MM[unit] for unit in units or MM}
    return lengths


def _gap(labels: Iterable[_Label]) -> float:
    values = sorted({label.value for label in labels})
    return min((b - a for a, b in pairwise(values)), default=0.0)


def _steps(labels: Sequence[_Label], row: Ticks, picture: Roi) -> list[tuple[float, list[_Label]]]:
    """By how much most of the labels grow, or fall, from tick to tick, and which those are."""
    most = max(2.0, LABEL_SHARE * len({label.value for label in labels}))
    found: list[tuple[float, list[_Label]]] = []
    for step in sorted({mm / unit for mm in LENGTHS_MM for unit in MM.values()}):
        for signed in (step, -step):
            zeros = [(label.tick - label.value / signed, label) for label in labels]
            for zero, label in zeros:
                agreeing = [other for z, other in zeros if abs(z - zero) <= min(label.stray, other.stray)]
                count = len({other.value for other in agreeing})
                sure = count >= SURE_LABELS or _begins(row.first + zero * row.period, row, picture)
                if count > most:
                    most, found = float(count), []
                if count >= most and sure:
                    found.append((step, agreeing))
    return found


def _begins(zero: float, row: Ticks, picture: Roi) -> bool:
    """Whether a ruler begins there: at the skin, on either side of the picture, or across in its middle."""
    start, size = (picture.y, picture.height) if row.axis == "down" else (picture.x, picture.width)
    ends = [start, start + size] + [start + size / 2] * (row.axis == "across")
    return any(abs(zero - end) <= ZERO * size for end in ends)


def _beside(row: Ticks, lines: Iterable[TextLine]) -> Iterator[tuple[str, float, int]]:
    """Text, middle along the ruler in px, and height of what stands beside it."""
    for line in (line for line in lines if line.confidence >= LEGIBLE):
        box = line.box
        sides = (box.x, box.width), (box.y, box.height)
        (across, wide), (along, long) = sides if row.axis == "down" else reversed(sides)
        gap = max(across - row.at, row.at - across - wide)
        middle = along + (long - 1) / 2
        if gap <= REACH * box.height and row.first - row.period <= middle <= row.last + row.period:
            yield line.text.strip(TICK_INK), middle, box.height


def _by_depth(row: Ticks, lines: Iterable[TextLine], picture: Roi) -> tuple[set[float], set[float]]:
    """The lengths at which the ruler is as long as a depth says: one that is called so, and one of a bare number."""
    worded: set[float] = set()
    bare: set[float] = set()
    for line in (line for line in lines if line.confidence >= SURE_WORDS):
        if match := DEPTH.search(line.text):
            worded |= _of_depth(_depth(match[1], match[2].lower()), row, picture)
        elif (match := NUMBER.fullmatch(line.text.strip())) and match[2]:
            depth = _depth(match[1], match[2].lower())
            bare |= _of_depth(depth, row, picture) if depth and depth % BARE_DEPTH_MM == 0 else set()
    return worded, bare


def _depth(number: str, unit: str) -> float | None:
    """In mm; None where centimetres may have lost a point: "20 cm" looks like "2.0 cm" on a small screen."""
    depth = _value(number) * MM[unit]
    pointless = unit == "cm" and number.isdecimal() and depth >= 10 * LEAST_DEPTH_MM
    return None if pointless else depth


def _of_depth(depth_mm: float | None, row: Ticks, picture: Roi) -> set[float]:
    """The lengths of a tick at which both a ruler down the picture and the picture are of this depth."""
    begins = row.axis == "down" and abs(row.first - picture.y) <= ZERO * picture.height
    if not depth_mm or not begins or row.count < LEAST_DEPTH_TICKS or row.uncertainty > EVEN:
        return set()
    share = RULER_SHARE * depth_mm
    return {
        mm
        for mm in LENGTHS_MM
        if -max(mm, share) <= (row.count - 1) * mm - depth_mm <= share
        and abs(picture.height / row.period * mm - depth_mm) <= DEPTH_SHARE * depth_mm
    }


def _by_ranks(row: Ticks) -> set[float]:
    """Ticks of three ranks, every fifth and every tenth longer, divide centimetres into millimetres, or decimetres."""
    return {1.0, 10.0} if {5, 10} <= {rank.every for rank in row.ranks} else set()


def _value(number: str) -> float:
    return float(number.replace(",", "."))
