"""What a millimetre is: rulers read on screens whose scale is known. A scale may be missing, never wrong."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from edge.frame import UNKNOWN_SPACING, Roi, Spacing
from edge.screen.ruler import read_ruler, spacing_of
from edge.screen.spacing import SpacingConflict
from edge.screen.text import TextLine
from edge.screen.tick_length import tick_length
from edge.screen.ticks import Rank, Ticks, find_ticks
from edge.sources import open_source
from tests.edge.ruler_screens import draw
from tests.edge.sources.files import shared

PICTURE = Roi(200, 100, 400, 400)
WITHIN = 0.02


def down(count: int = 9, period: float = 50.0, *, ranks: tuple[Rank, ...] = ()) -> Ticks:
    return Ticks("down", 180.0, 100.0, period, 0.001, count, ranks)


def across(count: int = 9, period: float = 50.0) -> Ticks:
    return Ticks("across", 520.0, 200.0, period, 0.002, count)


def word(text: str, tick: float, *, of: Ticks | None = None, off: float = 0.0, confidence: float = 1.0) -> TextLine:
    """A label 12 px high whose middle lies at `tick`, `off` px further on."""
    row = of or down()
    along, wide = round(row.first + tick * row.period + off), 8 * len(text)
    box = Roi(160 - wide, along - 6, wide, 13) if row.axis == "down" else Roi(along - wide // 2, 530, wide, 12)
    return TextLine(box, text, confidence)


def said(text: str, confidence: float = 1.0) -> TextLine:
    """A line of text far from any ruler."""
    return TextLine(Roi(700, 20, 90, 14), text, confidence)


LABELS = {
    "centimetres at every second tick": ([word("1", 2), word("2", 4), word("3", 6)], 5.0),
    "millimetres": ([word("10", 2), word("20", 4), word("30", 6)], 5.0),
    "below their ticks, as most": ([word(str(n), 2 * n, off=9) for n in (1, 2, 3, 4)], 5.0),
    "a tick at every centimetre": ([word(str(n), n) for n in (1, 2, 3, 5)], 10.0),
    "from below": ([word("3", 2), word("2", 4), word("1", 6), word("0", 8)], 5.0),
    "zoomed in": ([word("3", 0), word("4", 4), word("5", 8)], 2.5),
    "with a tick's ink": ([word("1-", 2), word("- 2", 4), word("3_", 6)], 5.0),
    "one misread": ([word("1", 2), word("7", 4), word("3", 6), word("4", 8)], 5.0),
    "the unit at the zero": ([word("cm", 0), word("1", 2), word("2", 4)], 5.0),
    "the unit at one label": ([word("0", 0), word("20 mm", 4)], 5.0),
    "two, with the zero at the skin": ([word("1", 2), word("3", 6)], 5.0),
    "of one decimal": ([word("0.5", 1), word("1.0", 2), word("1.5", 3)], 5.0),
    "decimal comma": ([word("0,5", 1), word("1,0", 2), word("1,5", 3)], 5.0),
    "ambiguous unit, told by the depth": ([word("5", 5), word("10", 10), said("Depth 12 cm")], 10.0),
}


@pytest.mark.parametrize(("lines", "mm"), LABELS.values(), ids=LABELS)
def test_labels_give_a_tick_its_length(lines, mm):
    row = down(13, 33.0) if "Depth" in lines[-1].text else down()
    if row.period != 50.0:
        lines = [word(lines[0].text, 5, of=row), word(lines[1].text, 10, of=row), lines[2]]
    assert tick_length(row, lines, PICTURE) == mm


NO_LENGTH = {
    "no words": [],
    "one label": [word("2", 4)],
    "two that put the zero nowhere": [word("1", 4), word("2", 6)],
    "no round step": [word("1", 1), word("4", 3), word("9", 8)],
    "mirrored": [word("0", 0), word("02", 8)],
    "most disagree": [word("1", 2), word("2", 4), word("8", 5), word("9", 1), word("6", 7)],
    "both units": [word("cm", 0), word("10 mm", 2), word("20", 4), word("30", 6)],
    "a point lost in centimetres": [word("cm", 0), word("10", 2), word("20", 4), word("30", 6)],
    "too far to be labels": [TextLine(Roi(20, 195 + 100 * n, 8, 12), str(n + 1), 1.0) for n in range(3)],
    "not numbers": [word("G 1", 2), word("F 2", 4), word("P 3", 6)],
    "labels against the depth": [word("1", 2), word("2", 4), word("3", 6), said("Depth 1.6 cm")],
}


@pytest.mark.parametrize("lines", NO_LENGTH.values(), ids=NO_LENGTH)
def test_doubtful_labels_give_none(lines):
    assert tick_length(down(), lines, PICTURE) is None


def test_five_and_ten_may_be_centimetres_or_millimetres():
    row = down(13, 33.0)
    assert tick_length(row, [word("5", 5, of=row), word("10", 10, of=row)], PICTURE) is None


@pytest.mark.parametrize(
    "text", ["4 cm", "4cm", "D: 40mm", "Depth 4.0cm", "DEPTH: 4 cm", "De 40 mm", "D 4,0 cm", "40 mm"]
)
def test_the_depth_in_words_tells_one_length_from_another(text):
    assert tick_length(down(9), [said(text), said("FPS 16"), said("MI 0.8")], PICTURE) == 5.0
    assert tick_length(across(), [said(text)], PICTURE) is None  # the box may be a part of the depth


@pytest.mark.parametrize(
    "lines",
    [
        [said("6.5 cm")],
        [said("Depth 4 cm", 0.8)],
        [said("D1: 4 cm")],
        [said("+ Dist 4.03 cm")],
        [said("3.8 cm")],
        [said("4 cm"), said("2 cm")],
        [said("Depth 20 cm")],
        [said("40 dB")],
    ],
    ids=["fits no length", "not sure of it", "caliper", "a measure", "odd", "two of them", "2.0 cm?", "no length"],
)
def test_doubtful_depths_give_none(lines):
    assert tick_length(down(9), lines, PICTURE) is None


def test_a_short_row_or_one_that_begins_elsewhere_is_not_the_depths():
    assert tick_length(down(3, 150.0), [said("Depth 3 cm")], PICTURE) is None
    late = Ticks("down", 180.0, 180.0, 50.0, 0.001, 9)
    assert tick_length(late, [said("Depth 4 cm")], PICTURE) is None


def test_longer_ticks_tell_two_millimetres_from_two_and_a_half():
    depth = [said("Depth 4 cm")]
    assert tick_length(down(17, 25.0, ranks=(Rank(4, 0),)), depth, PICTURE) == 2.5
    assert tick_length(down(21, 20.0, ranks=(Rank(5, 0),)), depth, PICTURE) == 2.0


def test_three_ranks_are_a_length_where_they_can_be_one_only():
    three = (Rank(5, 0), Rank(10, 0))
    assert tick_length(down(41, 10.0, ranks=three), [], PICTURE) == 1.0  # else 40 cm deep
    assert tick_length(down(26, 16.0, ranks=three), [], PICTURE) is None  # 25 mm or 25 cm
    assert tick_length(down(41, 10.0, ranks=three[:1]), [], PICTURE) is None
    assert tick_length(down(41, 10.0), [], PICTURE) is None


def test_two_rulers_of_square_pixels_agree():
    labels = LABELS["millimetres"][0]
    assert spacing_of([down(), across(9, 50.4)], labels, PICTURE) == Spacing(0.1, "ruler", 0.005)
    assert spacing_of([across(9, 80.0), down()], labels, PICTURE).mm_per_px == 0.1  # 8 mm: no ruler


@pytest.mark.parametrize("period", [51.0, 46.7])
def test_two_rulers_that_differ_are_a_conflict(period):
    conflict = spacing_of([down(), across(9, period)], LABELS["millimetres"][0], PICTURE)
    assert isinstance(conflict, SpacingConflict)
    assert {claim.mm_per_px for claim in conflict.claims} == {0.1, 5.0 / period}


def test_rows_without_words_claim_nothing():
    assert spacing_of([down(), across()], [], PICTURE) is UNKNOWN_SPACING
    assert spacing_of([], LABELS["millimetres"][0], PICTURE) is UNKNOWN_SPACING


def outcome(seen: Spacing | SpacingConflict, mm_per_px: float | None) -> str:
    if isinstance(seen, SpacingConflict):
        return "conflict"
    if seen.mm_per_px is None:
        return "none"
    return "right" if mm_per_px and abs(seen.mm_per_px / mm_per_px - 1) <= WITHIN else "wrong"


def test_on_drawn_screens_with_their_words_known_no_scale_is_wrong():
    told: Counter[str] = Counter()
    for seed in range(40):
        drawn = draw(seed)
        seen = spacing_of(find_ticks(drawn.screen.pixels, drawn.screen.roi), drawn.lines, drawn.screen.roi)
        result = outcome(seen, drawn.screen.mm_per_px)
        assert result != "wrong", (seed, seen, drawn.screen.mm_per_px)
        if drawn.tells:
            told[result] += 1
    assert told["right"] >= 0.8 * told.total()


def test_a_box_that_holds_a_part_of_the_picture_makes_no_scale_wrong():
    """Where the depths of a picture are dark, or its sides, its box may be found too small."""
    told: Counter[str] = Counter()
    for seed in range(40):
        drawn, shares = draw(seed), np.random.default_rng(seed).uniform(0.5, 1.0, 2)
        whole = drawn.screen.roi
        part = Roi(whole.x, whole.y, int(whole.width * shares[0]), int(whole.height * shares[1]))
        seen = spacing_of(find_ticks(drawn.screen.pixels, part), drawn.lines, part)
        told[outcome(seen, drawn.screen.mm_per_px)] += 1
    assert told["wrong"] == 0
    assert told["right"] >= 0.3 * told.total()


@pytest.mark.slow
def test_on_five_hundred_drawn_screens_no_scale_that_is_read_is_wrong():
    told: Counter[str] = Counter()
    for seed in range(1000, 1500):
        drawn = draw(seed)
        seen = read_ruler(drawn.screen.pixels, drawn.screen.roi).claim
        result = outcome(seen, drawn.screen.mm_per_px)
        assert result != "wrong", (seed, seen, drawn.screen.mm_per_px)
        if drawn.tells:
            told[result] += 1
    assert told["right"] >= 0.7 * told.total(), told


TRUTH = Path(__file__).parent / "screen_truth"
MUST_BE_READ = ("ge_logiq_e9", "telemed_philips", "butterfly", "interson", "sonoque")


@pytest.mark.parametrize(
    "most", [1, pytest.param(1000, marks=pytest.mark.slow)], ids=["one of each family", "all of them"]
)
def test_real_screens_are_read_within_two_per_cent_or_not_at_all(most):
    pytest.importorskip("gdcm", reason="python-gdcm, of the extra dicom, is not installed")
    spacing = {row["path"]: row["mm_per_px"] for row in json.loads((TRUTH / "spacing.json").read_text())}
    seen: dict[str, str] = {}
    families: Counter[str] = Counter()
    for row in json.loads((TRUTH / "boxes.json").read_text()):
        path = row["path"]
        if not row["boxes"] or path in seen or families[row["family"]] == most:
            continue
        families[row["family"]] += 1
        source = open_source(str(shared(path)))
        frame = next(frame for frame in source if frame.index == row["frame"])
        source.close()
        seen[path] = outcome(read_ruler(frame.pixels, Roi(*row["boxes"][0])).claim, spacing[path])
    assert [path for path, result in seen.items() if result == "wrong"] == []
    unread = [path for path in seen if any(name in path for name in MUST_BE_READ) and seen[path] != "right"]
    assert unread == []


def test_screens_that_no_ruler_stands_on_claim_nothing():
    assert read_ruler(draw(0).screen.roi.of(draw(0).screen.pixels).copy(), Roi(0, 0, 400, 300)).claim is UNKNOWN_SPACING
