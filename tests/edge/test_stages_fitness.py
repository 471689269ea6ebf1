"""The judge of the nerve says no for one reason at a time, exactly at its thresholds, and with the number."""

from __future__ import annotations

import numpy as np
import pytest

from edge.findings import Ellipse, Nerve, Reason
from edge.frame import UNKNOWN_SPACING, Roi, Scan, Spacing
from edge.manifest import Thresholds
from edge.stages.fitness import judge_nerve, judge_spacing
from edge.stages.measure import Components, Form
from edge.stages.placement import Box
from tests.pictures import tissue

USUAL = Thresholds()
BOX = Roi(150, 80, 80, 40)  # of the nerve below, in a picture of 300 x 380


def nerve(box=BOX, **changed):
    right, bottom = box.x + box.width, box.y + box.height
    fields = {
        "ellipse": Ellipse(box.x + box.width / 2, box.y + box.height / 2, box.width, box.height, 0.0),
        "area_share": 0.02,
        "flattening_ratio": 2.0,
        "components": 1,
        "ellipse_fill": 0.98,
        "csa_mm2": 10.0,
        "perimeter_mm": 14.0,
        "ap_diameter_mm": None,
        "outlines": (((box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)),),
    }
    return Nerve(**(fields | changed))


def components(margin_px=20, span=0.2):
    pixel = Form(1.0, 0.0, 0.0, 1.0, 1.0, 0.0)
    return Components(np.ones((1, 1), np.uint8), Box(0, 0, 1, 1), pixel, 1, margin_px, span, 0.98)


def scan(pixels=None, **told):
    pixels = tissue() if pixels is None else pixels
    return Scan(pixels, UNKNOWN_SPACING, Roi(0, 0, pixels.shape[1], pixels.shape[0]), **told)


def judged(of=None, view="transverse", found=None, seen=None, thresholds=USUAL):
    return judge_nerve(of or nerve(), found or components(), seen or scan(), view, thresholds)


@pytest.mark.parametrize(
    ("changed", "numbers"),
    [
        ({}, None),
        ({"csa_mm2": 1.99}, (1.99, 2.0)),
        ({"csa_mm2": 2.0}, None),
        ({"csa_mm2": 40.0}, None),
        ({"csa_mm2": 40.1}, (40.1, 40.0)),
        ({"flattening_ratio": 8.0}, None),
        ({"flattening_ratio": 8.1}, (8.1, 8.0)),
        ({"csa_mm2": None, "area_share": 0.0007}, (0.0007, 0.0008)),
        ({"csa_mm2": None, "area_share": 0.02}, None),
        ({"csa_mm2": None, "area_share": 0.13}, (0.13, 0.12)),
        ({"area_share": 0.13}, None),  # the area in mm² is known, and says more
        ({"ellipse_fill": 0.85}, None),  # experts' masks of real wrists fill at least 0.87; P1 names what does not
        ({"ellipse_fill": 0.84}, (0.84, 0.85)),
    ],
)
def test_a_transverse_nerve_is_plausible_or_not(changed, numbers):
    assert judged(nerve(**changed)) == (numbers and (Reason.IMPLAUSIBLE_NERVE, *numbers))


@pytest.mark.parametrize(("margin_px", "unfit"), [(1, None), (0, (Reason.NERVE_CUT_OFF, 0.0, 1.0))])
def test_a_nerve_at_the_edge_is_cut_off_before_it_is_implausible(margin_px, unfit):
    assert judged(found=components(margin_px)) == unfit
    if unfit:
        assert judged(nerve(csa_mm2=1.0), found=components(margin_px)) == unfit


@pytest.mark.parametrize(
    ("view", "span", "unfit"),
    [
        ("transverse", 0.8, None),
        ("transverse", 1.0, (Reason.WRONG_PLANE, 1.0, 0.8)),
        ("longitudinal", 0.6, None),
        ("longitudinal", 0.3, (Reason.WRONG_PLANE, 0.3, 0.6)),
    ],
)
def test_how_much_of_the_width_a_nerve_takes_tells_its_plane(view, span, unfit):
    assert judged(view=view, found=components(0 if unfit else 9, span)) == unfit


@pytest.mark.parametrize(("share", "unfit"), [(0.3, None), (0.0001, (Reason.IMPLAUSIBLE_NERVE, 0.0001, 0.0008))])
def test_a_longitudinal_nerve_may_be_long_and_touch_the_sides(share, unfit):
    seen = nerve(csa_mm2=None, ap_diameter_mm=2.0, flattening_ratio=12.0, area_share=share)
    assert judged(seen, "longitudinal", components(0, 1.0)) == unfit


def shaded(left, right, top=0, bottom=None, factor=0.2):
    pixels = tissue()
    pixels[top:bottom, left:right] = (pixels[top:bottom, left:right] * factor).astype(np.uint8)
    return scan(pixels)


def test_a_dark_column_through_and_below_the_nerve_is_a_shadow():
    found = judged(seen=shaded(170, 210))
    assert (found.reason, found.limit) == (Reason.SHADOW, 0.25)
    assert found.value == pytest.approx(0.5, abs=0.05)
    assert judged(seen=shaded(110, 270)).value == 1.0  # wider than the nerve by half on either side
    assert judged(seen=shaded(170, 184)) is None  # a sixth of the nerve
    assert judged(seen=shaded(240, 300)) is None  # beside it


def test_neither_a_dark_nerve_nor_a_bone_below_it_is_a_shadow():
    assert judged(seen=shaded(BOX.x, BOX.x + BOX.width, BOX.y, BOX.y + BOX.height)) is None
    assert judged(seen=shaded(BOX.x, BOX.x + BOX.width, BOX.y + BOX.height)) is None


def test_a_longitudinal_nerve_may_lie_in_shadow_too():
    band = nerve(Roi(0, 100, 380, 30), csa_mm2=None, ap_diameter_mm=3.0)
    assert judged(band, "longitudinal", components(0, 1.0)) is None
    found = judged(band, "longitudinal", components(0, 1.0), shaded(100, 240))
    assert found.reason is Reason.SHADOW
    assert found.value == pytest.approx(140 / 380, abs=0.05)


@pytest.mark.parametrize("box", [Roi(0, 0, 380, 300), Roi(379, 299, 1, 1), Roi(0, 290, 30, 10), Roi(360, 10, 20, 280)])
def test_wherever_the_nerve_lies_it_can_be_judged(box):
    assert judged(nerve(box)) is None


@pytest.mark.parametrize(("rows", "unfit"), [(0, None), (1, (Reason.MARKED, 0.025, 0.02))])
def test_what_was_painted_over_counts_within_the_nerves_own_box(rows, unfit):
    marks = np.zeros((300, 380), np.uint8)
    marks[:70] = 1
    marks[BOX.y : BOX.y + rows, BOX.x : BOX.x + BOX.width] = 1
    assert judged(seen=scan(marks=marks)) == unfit


def test_no_spacing_is_a_reason_unless_allowed():
    assert judge_spacing(UNKNOWN_SPACING, allow_unscaled=False) == (Reason.NO_SPACING, None, None)
    assert judge_spacing(UNKNOWN_SPACING, allow_unscaled=True) is None
    assert judge_spacing(Spacing(0.1, "manual"), allow_unscaled=False) is None
