"""The judges say no for one reason at a time, and exactly at their thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from edge.findings import Ellipse, Nerve, Reason
from edge.frame import UNKNOWN_SPACING, Roi, Scan, Spacing
from edge.manifest import Thresholds
from edge.stages.quality import judge_nerve, judge_picture, judge_spacing
from tests.pictures import tissue

USUAL = Thresholds()


def scan(pixels):
    return Scan(pixels, UNKNOWN_SPACING, Roi(0, 0, pixels.shape[1], pixels.shape[0]))


def nerve(**changed):
    fields = {
        "ellipse": Ellipse(100.0, 80.0, 60.0, 30.0, 0.0),
        "area_share": 0.02,
        "flattening_ratio": 2.0,
        "components": 1,
        "ellipse_fill": 0.98,
        "csa_mm2": 10.0,
        "perimeter_mm": 14.0,
        "ap_diameter_mm": None,
        "outlines": (),
    }
    return Nerve(**(fields | changed))


def test_a_picture_of_tissue_is_fit():
    assert judge_picture(scan(tissue()), USUAL) is None


@pytest.mark.parametrize(
    ("shape", "reason"), [((63, 400), Reason.TOO_SMALL), ((400, 63), Reason.TOO_SMALL), ((64, 64), None)]
)
def test_the_shorter_side_decides(shape, reason):
    assert judge_picture(scan(tissue(shape)), USUAL) is reason


@pytest.mark.parametrize(("spread", "reason"), [(2, Reason.NO_CONTRAST), (6, None)])
def test_contrast_is_the_spread_of_greys(spread, reason):
    pixels = np.full((200, 200), 60, np.uint8)
    pixels[::2] += 2 * spread  # not seen by the stride of the judge
    pixels[:, 100:] += 2 * spread
    assert judge_picture(scan(pixels), USUAL) is reason


@pytest.mark.parametrize(("rows", "reason"), [(96, None), (112, Reason.SATURATED)])
def test_saturation_is_the_share_of_white(rows, reason):
    pixels = tissue((200, 200))
    pixels[:rows] = 255
    assert judge_picture(scan(pixels), USUAL) is reason


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"csa_mm2": 1.99}, Reason.IMPLAUSIBLE_NERVE),
        ({"csa_mm2": 2.0}, None),
        ({"csa_mm2": 40.0}, None),
        ({"csa_mm2": 40.1}, Reason.IMPLAUSIBLE_NERVE),
        ({"flattening_ratio": 8.1}, Reason.IMPLAUSIBLE_NERVE),
        ({"csa_mm2": None, "area_share": 0.0007}, Reason.IMPLAUSIBLE_NERVE),
        ({"csa_mm2": None, "area_share": 0.02}, None),
        ({"csa_mm2": None, "area_share": 0.13}, Reason.IMPLAUSIBLE_NERVE),
        ({"area_share": 0.13}, None),  # the area in mm² is known, and says more
    ],
)
def test_a_transverse_nerve_is_plausible_or_not(changed, reason):
    assert judge_nerve(nerve(**changed), "transverse", USUAL, cut_off=False) is reason


def test_a_cut_off_nerve_is_that_first():
    assert judge_nerve(nerve(csa_mm2=1.0), "transverse", USUAL, cut_off=True) is Reason.NERVE_CUT_OFF


@pytest.mark.parametrize(("share", "reason"), [(0.3, None), (0.0001, Reason.IMPLAUSIBLE_NERVE)])
def test_a_longitudinal_nerve_may_be_long_and_touch_the_sides(share, reason):
    seen = nerve(csa_mm2=None, ap_diameter_mm=2.0, flattening_ratio=12.0, area_share=share)
    assert judge_nerve(seen, "longitudinal", USUAL, cut_off=True) is reason


def test_no_spacing_is_a_reason_unless_allowed():
    assert judge_spacing(UNKNOWN_SPACING, allow_unscaled=False) is Reason.NO_SPACING
    assert judge_spacing(UNKNOWN_SPACING, allow_unscaled=True) is None
    assert judge_spacing(Spacing(0.1, "manual"), allow_unscaled=False) is None


@pytest.mark.parametrize(("fill", "reason"), [(0.99, None), (0.85, None), (0.84, Reason.IMPLAUSIBLE_NERVE)])
def test_a_nerve_is_nearly_an_ellipse(fill, reason):
    """P1 names non-elliptical answers as a failure; experts' masks of real wrists fill at least 0.87."""
    assert judge_nerve(nerve(ellipse_fill=fill), "transverse", USUAL, cut_off=False) is reason
