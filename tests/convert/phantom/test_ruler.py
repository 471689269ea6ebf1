"""Rulers and captures: the truth that comes with a drawn screen is what its pixels show."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from convert.phantom.acquisition import draw_settings
from convert.phantom.frames import render
from convert.phantom.pen import Pen
from convert.phantom.ruler import DEPTH_WORDS, RulerStyle, draw_ruler
from convert.phantom.screen import CONSOLES, Display, captured, draw_screen
from convert.phantom.subject import draw_subject
from edge.frame import Roi

FRAME = render(draw_subject(1, 9), draw_settings(1, 9, px_across=320))
ROI = Roi(200, 60, 300, 400)
MM = 0.1


def drawn(style: RulerStyle):
    pen = Pen(700, 600, 20, background=(0, 0, 0), ink=(200, 200, 200), font=cv2.FONT_HERSHEY_SIMPLEX)
    return pen, draw_ruler(pen, ROI, MM, style)


@pytest.mark.parametrize("side", ["left", "right", "bottom"])
@pytest.mark.parametrize("ranks", [(1.0, 5.0, 10.0), (2.5, 10.0), (10.0,)])
def test_ticks_lie_where_the_truth_says_and_higher_ranks_are_longer(side, ranks):
    pen, ruler = drawn(RulerStyle(side, ranks, label_mm=None))
    ink = pen.pixels.max(axis=2) > 0
    ink = ink.T if side == "bottom" else ink
    rows = np.flatnonzero(ink[:, ruler.x])
    assert tuple(rows) == ruler.rows
    assert np.allclose(np.diff(rows), ranks[0] / MM, atol=1)
    assert len(rows) == (30 if side == "bottom" else 40) / ranks[0] + 1
    lengths = ink[rows].sum(axis=1)
    whole_cm = np.arange(len(rows)) * ranks[0] % 10 == 0
    assert len(ranks) == 1 or lengths[whole_cm].min() > lengths[~whole_cm].max()
    assert not ink[:, ROI.y : ROI.y + ROI.height].all() if side == "bottom" else not ROI.of(pen.pixels).any()


def test_labels_say_how_far_they_are():
    pen, _ = drawn(RulerStyle("left", (5.0, 10.0), unit_shown=True))
    assert pen.texts == ["1", "2", "3", "4", "cm"]
    for text, box in list(zip(pen.texts, pen.text_boxes, strict=True))[:-1]:
        assert box.y + box.height / 2 == pytest.approx(ROI.y + 10 * int(text) / MM, abs=2)
    assert drawn(RulerStyle("right", (5.0,), label_mm=5.0, unit="mm"))[0].texts == [str(5 * n) for n in range(1, 9)]
    assert drawn(RulerStyle("right", (5.0,), label_mm=5.0))[0].texts[:3] == ["0.5", "1", "1.5"]


def test_dots_combs_and_focus_marks_differ_from_ticks():
    seen = [
        drawn(RulerStyle("left", **more))[0].pixels
        for more in ({}, {"marks": "dots"}, {"marks": "comb"}, {"focus": True}, {"ink": (255, 0, 0)}, {"thick_px": 3})
    ]
    assert all((one != other).any() for number, one in enumerate(seen) for other in seen[:number])


@pytest.mark.parametrize("console", CONSOLES)
@pytest.mark.parametrize("words", DEPTH_WORDS)
def test_the_panel_writes_the_depth_as_asked(console, words):
    mm = FRAME.settings.depth_mm
    screen = draw_screen(FRAME, Display(800, 600, console, depth=words))
    assert words.format(cm=mm / 10, mm=mm) in screen.texts
    silent = draw_screen(FRAME, Display(800, 600, console, rulers=(), depth=None))
    assert silent.ruler is None
    assert not [text for text in silent.texts if "cm" in text or "mm" in text]
    assert len(silent.texts) == len(silent.text_boxes)


@pytest.mark.parametrize(("factor", "quality"), [(1.5, None), (0.75, None), (1.125, 80)])
def test_a_capture_keeps_its_truth(factor, quality):
    screen = draw_screen(FRAME, Display(1280, 720))
    taken = captured(screen, factor, jpeg_quality=quality)
    assert taken.pixels.shape == (720 * factor, 1280 * factor, 3)
    assert taken.mm_per_px * taken.roi.height == pytest.approx(screen.mm_per_px * screen.roi.height, rel=0.003)
    assert taken.mask.sum() * taken.mm_per_px**2 == pytest.approx(screen.mask.sum() * screen.mm_per_px**2, rel=0.02)
    back = cv2.resize(taken.pixels, (1280, 720), interpolation=cv2.INTER_AREA)
    assert np.abs(screen.roi.of(back).astype(float) - screen.roi.of(screen.pixels)).mean() < 6
    assert len(taken.text_boxes) == len(taken.texts)
